"""Opening media with PyAV: what FFmpeg may read, which stream is the video, clear refusals."""

from __future__ import annotations

import os

import av
import av.container
import av.error
import av.video.stream
from av.codec.hwaccel import HWAccel

from mitate.kernels.decode import Limits, check_pixels
from mitate.kernels.errors import InvalidMedia

ERRORS = (av.error.FFmpegError, OSError, ValueError)
MICROSECONDS_PER_MS = 1000

# FFmpeg may read files, and no playlists, no lists of other files, no text and no devices.
_PROTOCOLS = "file,pipe"
_FORMATS = (
    "3gp,3g2,aac,ac3,aiff,amr,apng,asf,au,av1,avi,avif,avs,avs2,avs3,bink,caf,cavsvideo,dirac,"
    "dnxhd,dts,dv,eac3,film_cpk,flac,flic,flv,gif,gxf,h261,h263,h264,hevc,idcin,ipmovie,ivf,"
    "jpeg_pipe,jpegxl_pipe,live_flv,lxf,m4a,m4v,matroska,mj2,mjpeg,mlp,mov,mp3,mp4,mpeg,mpegts,"
    "mpegvideo,mxf,nsv,nut,nuv,obu,ogg,oma,png_pipe,pva,rm,roq,smk,swf,tta,vc1,vc1test,vivo,vvc,"
    "w64,wav,webm,webp_pipe,wtv,wv,xmv,yuv4mpegpipe"
)
_DEFAULT = 0x1  # AV_DISPOSITION_DEFAULT
_ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC


def open_video(
    path: str | os.PathLike[str], limits: Limits, threads: int, hwaccel: HWAccel | None = None
) -> tuple[av.container.InputContainer, av.video.stream.VideoStream]:
    """Open a file and its video, the first one marked as default; raises InvalidMedia."""
    # The prefix keeps FFmpeg from taking a file name for an address of another kind.
    url = f"file:{os.path.abspath(os.fspath(path))}"
    options = {"protocol_whitelist": _PROTOCOLS, "format_whitelist": _FORMATS}
    try:
        container = av.open(
            url, "r", container_options=options, metadata_errors="replace", hwaccel=hwaccel
        )
    except ERRORS as error:
        raise InvalidMedia(
            f"no video can be read from it ({_reason(error)}): of no known kind of picture or "
            "video, or cut off"
        ) from error
    try:
        stream = _video_stream(container)
        _configure(stream, limits, threads)
    except BaseException:
        container.close()
        raise
    return container, stream


def length_us(container: av.container.InputContainer) -> int:
    """Return how long the file says it is, 0 when it does not."""
    length, start = container.duration or 0, container.start_time or 0
    # Matroska states when its last frame ends, which is later by the start than its length.
    counts_from_zero = "matroska" in container.format.name and 0 < start < length
    return max(0, length - start if counts_from_zero else length)


def duration_ms(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> int:
    """Return how long the video says it is, 0 when it does not."""
    if stream.duration is not None and stream.time_base is not None:
        return max(0, round(stream.duration * stream.time_base * 1000))
    return length_us(container) // MICROSECONDS_PER_MS


def _reason(error: Exception) -> str:
    if isinstance(error, av.error.ArgumentError):
        return "its container format is not accepted"
    if isinstance(error, OSError | av.error.FFmpegError) and error.strerror:
        return error.strerror
    return str(error)


def _video_stream(container: av.container.InputContainer) -> av.video.stream.VideoStream:
    videos = container.streams.video
    if not videos:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "none"
        raise InvalidMedia(f"no video in it (container {container.format.name}, streams: {kinds})")
    real = [stream for stream in videos if not int(stream.disposition) & _ATTACHED_PICTURE]
    if not real:
        raise InvalidMedia(
            f"no video in it, only a cover picture (container {container.format.name})"
        )
    decodable = [stream for stream in real if stream.codec_context is not None]
    if not decodable:
        raise InvalidMedia("there is no decoder for the codec of its video")
    default = [stream for stream in decodable if int(stream.disposition) & _DEFAULT]
    return (default or decodable)[0]


def _configure(stream: av.video.stream.VideoStream, limits: Limits, threads: int) -> None:
    context = stream.codec_context
    if context.width < 1 or context.height < 1:
        raise InvalidMedia(f"no picture could be found in its {context.name} video")
    check_pixels(context.width, context.height, limits.max_pixels)
    context.options = {"max_pixels": str(limits.max_pixels)}
    context.thread_count = threads
    context.thread_type = "AUTO" if threads > 1 else "NONE"
