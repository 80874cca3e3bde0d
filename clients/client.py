"""The blocking client. NumPy is loaded by the methods that need it, so that the rest start fast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mitate.clients import flows, flows_catalog, flows_compare, flows_ready, flows_upload, requests
from mitate.clients.blocking import BlockingConnection
from mitate.clients.compared import Comparison, Subject
from mitate.clients.flows_upload import OnProgress
from mitate.clients.flows_watch import OnSegment
from mitate.clients.media import PathLike
from mitate.clients.results import (
    Added,
    Answer,
    Episode,
    Match,
    SearchOptions,
    Stats,
    Timeline,
    Title,
    Upload,
)
from mitate.clients.steps import Call, Feed

if TYPE_CHECKING:
    import numpy.typing as npt

    from mitate.clients.columns import ComputedSignature, Hits, StreamAnswer
    from mitate.clients.flows_batch import StreamItem
    from mitate.kernels.signature import Signature


class Client(BlockingConnection):
    """A connection to a mitate server; safe to use from several threads.

    Every method raises the errors of `mitate.kernels.errors`: those that the server answers, and
    `NotReady` when it cannot be reached. Callbacks may be called from another thread. A callback
    that raises an error of that tree stops the work, here and at the server.

    Args:
        address: HOST:PORT.
        timeout_s: deadline of one exchange.
        work_timeout_s: deadline of work on a whole file.
        credentials: of a channel that was prepared elsewhere, in place of `tls`, `ca` and so on.
        access: `token`, `tls`, `ca`, `certificate`, `key`, `server_name`, `allow_plaintext`; see
            `mitate.clients.access.Access`.
    """

    def search(
        self,
        path: PathLike,
        options: SearchOptions | None = None,
        *,
        progress: OnProgress | None = None,
    ) -> Answer:
        """Search a picture, video or signature file, whichever it is by its content."""
        return self._run(flows.search(path, options, progress))

    def search_image(
        self, picture: PathLike | bytes, options: SearchOptions | None = None
    ) -> Answer:
        """Search a picture, given by path or as the content of its file."""
        return self._run(flows.search_image(picture, options))

    def search_video(
        self,
        path: PathLike,
        options: SearchOptions | None = None,
        *,
        progress: OnProgress | None = None,
    ) -> Answer:
        """Send a clip and search it; takes picture files of any size, too."""
        return self._run(flows.search_video(path, options, progress))

    def search_signature(
        self, signature: PathLike | bytes | Signature, options: SearchOptions | None = None
    ) -> Answer:
        """Search a signature, a signature file, or a file with one descriptor."""
        return self._run(flows.search_signature(signature, options))

    def search_signatures(
        self,
        layouts: npt.ArrayLike,  # (n, 33) integers, n in 1..4096
        options: SearchOptions | None = None,
    ) -> Hits:
        """Search many descriptors at once."""
        from mitate.clients import flows_batch

        return self._run(flows_batch.search_signatures(layouts, options))

    def stream_search(
        self,
        items: Iterable[StreamItem],  # (n, 33) arrays, paths or contents of pictures
        options: SearchOptions | None = None,
        *,
        preserve_order: bool = True,
    ) -> Iterator[StreamAnswer]:
        """Search items as they come; an item that fails is answered by its error."""
        from mitate.clients import flows_batch

        feed = Feed(flows_batch.stream_requests(items, options, preserve_order))
        for message in self._messages(Call("SearchService/StreamSearch", feed, long=True)):
            yield flows_batch.stream_answer(message)

    def compute_signature(
        self, picture: PathLike | bytes, *, keep_borders: bool = False
    ) -> ComputedSignature:
        """Have the server make the signature of a picture."""
        from mitate.clients import flows_batch

        return self._run(flows_batch.compute_signature(picture, keep_borders))

    def scan(
        self,
        path: PathLike,
        options: SearchOptions | None = None,
        *,
        draw: bool = False,
        progress: OnProgress | None = None,
        on_segment: OnSegment | None = None,
    ) -> Timeline:
        """Find what every part of a video is made of, and have it drawn if wanted."""
        return self._run(flows.scan(path, options, draw, progress, on_segment))

    def scan_live(
        self,
        frames: Iterable[Signature | bytes],  # of consecutive frames
        options: SearchOptions | None = None,
        *,
        lag_ms: int = 0,
    ) -> Iterator[Match]:
        """Say what a stream is made of while frames come; see `kernels.sign.SignatureStream`.

        A segment comes `lag_ms` after its end, 0 for 8 s; the stream need not end.
        """
        from mitate.clients import flows_live

        feed = Feed(flows_live.live_requests(frames, options, lag_ms))
        for message in self._messages(Call(flows_live.METHOD, feed, long=True)):
            yield from flows_live.segments(message)

    def compare(
        self,
        a: PathLike | Subject,
        b: PathLike | Subject,
        *,
        draw: bool = True,
        progress: OnProgress | None = None,
    ) -> Comparison:
        """Tell, stage by stage, why a search for A does or does not find B.

        Args:
            a: what is looked for: a file, or something stored, which is looked in if B is a file.
            b: what it is looked for in.
            draw: have it drawn as well, as a PNG file.
            progress: told how far files are sent and read.
        """
        return self._run(flows_compare.compare(a, b, draw, progress))

    def add(
        self,
        path: PathLike,
        *,
        title: str | None = None,
        episode: str | None = None,
        refs: Mapping[str, str] | None = None,
        episode_id: int | None = None,
        replace_episode_id: int | None = None,
        allow_partial: bool = False,
        sign_locally: bool = False,
        progress: OnProgress | None = None,
    ) -> Added:
        """Add a file to the catalog; the same content again answers `exists`.

        Args:
            path: video or picture file.
            title: name of the title, found or created; None is the file's stem.
            episode: label of the episode; None makes the file an episode of its own.
            refs: external references of the episode, provider to id.
            episode_id: add the file to this episode as another source.
            replace_episode_id: put the file in the place of all that this episode holds.
            allow_partial: store the readable beginning of a file that is cut off.
            sign_locally: decode here and send the signature only.
            progress: told how far it is.
        """
        where = requests.placement(title, episode, refs, episode_id, replace_episode_id)
        if sign_locally:
            return self._run(flows.add_signed(path, where, allow_partial, progress))
        return self._run(flows.add(path, where, allow_partial, progress, self._work_timeout_s))

    def upload(self, path: PathLike, *, progress: OnProgress | None = None) -> Upload:
        """Send a file to the server, which keeps it for a while."""
        return self._run(flows_upload.upload(path, progress))

    def get_upload(self, upload_id: str) -> Upload:
        """Return what has arrived of an upload."""
        return self._run(flows_catalog.get_upload(upload_id))

    def remove_upload(self, upload_id: str) -> None:
        """Delete an upload."""
        self._run(flows_upload.remove_upload(upload_id))

    def create_title(self, name: str, refs: Mapping[str, str] | None = None) -> Title:
        """Create a title without episodes."""
        return self._run(flows_catalog.create_title(name, refs))

    def title(self, title_id: int) -> Title:
        """Return one title."""
        return self._run(flows_catalog.get_title(title_id))

    def titles(self) -> tuple[Title, ...]:
        """Return all titles by id."""
        return self._run(flows_catalog.titles())

    def update_title(
        self, title_id: int, *, name: str | None = None, refs: Mapping[str, str] | None = None
    ) -> Title:
        """Change what is not None."""
        return self._run(flows_catalog.update_title(title_id, name, refs))

    def remove_title(self, title_id: int, *, force: bool = False) -> None:
        """Delete a title; one with episodes only by `force`."""
        self._run(flows_catalog.remove_title(title_id, force))

    def create_episode(
        self, title_id: int, label: str, refs: Mapping[str, str] | None = None
    ) -> Episode:
        """Create an episode without sources."""
        return self._run(flows_catalog.create_episode(title_id, label, refs))

    def episode(self, episode_id: int) -> Episode:
        """Return one episode with its sources."""
        return self._run(flows_catalog.get_episode(episode_id))

    def episodes(self, title_id: int | None = None) -> tuple[Episode, ...]:
        """Return all episodes by id, or those of one title."""
        return self._run(flows_catalog.episodes(title_id))

    def update_episode(
        self, episode_id: int, *, label: str | None = None, refs: Mapping[str, str] | None = None
    ) -> Episode:
        """Change what is not None."""
        return self._run(flows_catalog.update_episode(episode_id, label, refs))

    def remove_episode(self, episode_id: int) -> None:
        """Delete an episode and its sources."""
        self._run(flows_catalog.remove_episode(episode_id))

    def wait_while_loading(
        self,
        limit_s: float = flows_ready.LIMIT_S,
        waiting: Callable[[], None] | None = None,
    ) -> bool:
        """Wait for a server that has just started; returns whether it takes calls.

        `waiting` is called before each pause. A server that cannot be reached is not waited for.
        """
        return self._run(flows_ready.wait_while_loading(limit_s, waiting))

    def stats(self) -> Stats:
        """Return how much is stored and how the server is."""
        return self._run(flows_catalog.stats())
