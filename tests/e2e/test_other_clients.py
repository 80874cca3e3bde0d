"""Clients that nobody here wrote: buf curl, grpc-js, grpclib, k6, and ours on connect-node."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Server, running
from google.api import field_behavior_pb2

from mitate.v1 import catalog_pb2, search_pb2

ROOT = Path(__file__).resolve().parents[2]
BUF = ("npx", "--yes", "@bufbuild/buf@1.75.0")

npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("others"), "--workers", "1") as server:
        assert server.mitate("add", drawn).returncode == 0
        yield server


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory, drawn: Path, ffmpeg: str) -> Path:
    """A frame of zoom.webm."""
    path = tmp_path_factory.mktemp("still") / "still.png"
    command = [ffmpeg, "-v", "error", "-ss", "2", "-i", str(drawn / "zoom.webm")]
    subprocess.run([*command, "-frames:v", "1", str(path)], check=True)
    return path


def buf_curl(
    server: Server, target: str, *flags: str, protocol: str = "grpc"
) -> subprocess.CompletedProcess[str]:
    """Call a server by reflection."""
    command = [*BUF, "curl", "--http2-prior-knowledge", "--protocol", protocol, *flags]
    url = f"http://{server.address}{target}"
    return subprocess.run([*command, url], capture_output=True, text=True, timeout=120, check=False)


@npm
def test_buf_curl_lists_every_service_and_calls_them(server: Server) -> None:
    listed = buf_curl(server, "", "--list-services").stdout.split()
    assert {f"mitate.v1.{name}Service" for name in ("Search", "Catalog", "Scan", "Media")} <= {
        *listed
    }
    stats = buf_curl(server, "/mitate.v1.CatalogService/GetStats", "--data", "{}")
    assert json.loads(stats.stdout)["sourceCount"] == "3", stats.stderr
    operations = buf_curl(server, "/google.longrunning.Operations/ListOperations", "--data", "{}")
    assert all(one["done"] for one in json.loads(operations.stdout)["operations"])
    health = buf_curl(server, "/grpc.health.v1.Health/Check", "--data", "{}")
    assert json.loads(health.stdout) == {"status": "SERVING"}


@npm
def test_buf_curl_streams_and_reads_the_details_of_an_error(server: Server) -> None:
    layout = "EBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ"  # 33 bytes of 16
    batch = {"type": "SIGNATURE_TYPE_CLD_33", "data": layout, "count": 1}
    messages = [{"config": {}}, {"sequence": 7, "signatures": batch}]
    method = "/mitate.v1.SearchService/StreamSearch"
    streamed = buf_curl(server, method, "--data", "\n".join(map(json.dumps, messages)))
    assert json.loads(streamed.stdout)["sequence"] == "7", streamed.stderr
    refused = buf_curl(server, "/mitate.v1.CatalogService/GetTitle", "--data", '{"titleId": 999}')
    error = json.loads(refused.stderr[refused.stderr.index("{") :])
    assert (error["code"], error["details"][0]["type"]) == ("not_found", "google.rpc.ErrorInfo")
    assert "999" in error["message"]


def test_grpclib_calls_and_streams(server: Server) -> None:
    client = pytest.importorskip("grpclib.client", reason="grpclib is not installed")
    host, port = server.address.rsplit(":", 1)

    async def run() -> None:
        channel = client.Channel(host, int(port))
        stats = client.UnaryUnaryMethod(
            channel,
            "/mitate.v1.CatalogService/GetStats",
            catalog_pb2.GetStatsRequest,
            catalog_pb2.Stats,
        )
        assert (await stats(catalog_pb2.GetStatsRequest())).source_count == 3
        search = client.StreamStreamMethod(
            channel,
            "/mitate.v1.SearchService/StreamSearch",
            search_pb2.StreamSearchRequest,
            search_pb2.StreamSearchResponse,
        )
        batch = search_pb2.SignatureBatch(
            type=search_pb2.SIGNATURE_TYPE_CLD_33, data=bytes([16] * 33 * 2), count=2
        )
        opening = search_pb2.StreamSearchRequest(config=search_pb2.StreamSearchConfig())
        asked = [search_pb2.StreamSearchRequest(sequence=i, signatures=batch) for i in range(5)]
        answers = await search([opening, *asked])
        assert sorted(answer.sequence for answer in answers) == [0, 1, 2, 3, 4]
        assert all(len(answer.hits.query_verdicts) == 2 for answer in answers)
        channel.close()

    asyncio.run(run())


GRPC_JS_SCRIPT = """
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const [address, layout, ...includeDirs] = process.argv.slice(2);
const options = { includeDirs, keepCase: true, defaults: true };
const { v1 } = grpc.loadPackageDefinition(
  loader.loadSync("mitate/v1/search.proto", options)).mitate;
const client = new v1.SearchService(address, grpc.credentials.createInsecure());
const signatures = { type: "SIGNATURE_TYPE_CLD_33", data: Buffer.from(layout, "base64"), count: 1 };
const found = { streamed: [] };
client.BatchSearchSignatures({ signatures }, (failed, answer) => {
  found.counts = answer.hits.hit_counts.length;
  client.BatchSearchSignatures({ signatures: { ...signatures, count: 2 } }, (error) => {
    found.code = error.code;
    found.details = error.metadata.get("grpc-status-details-bin")[0].toString("latin1");
    const call = client.StreamSearch();
    call.on("data", (message) => found.streamed.push(Number(message.sequence)));
    call.on("end", () => { console.log(JSON.stringify(found)); client.close(); });
    call.write({ config: { preserve_order: true } });
    for (let sequence = 0; sequence < 100; sequence++) call.write({ sequence, signatures });
    call.end();
  });
});
"""


@npm
def test_grpc_js_calls_streams_and_gets_the_details_of_an_error(
    server: Server, tmp_path: Path
) -> None:
    packages = ("@grpc/grpc-js@1.14.7", "@grpc/proto-loader@0.8.1")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", *packages]
    subprocess.run(install, cwd=tmp_path, check=True, timeout=120)
    (tmp_path / "call.js").write_text(GRPC_JS_SCRIPT)
    google = Path(field_behavior_pb2.__file__).parents[2]
    layout = base64.b64encode(bytes([16] * 33)).decode()
    command = ["node", "call.js", server.address, layout, str(ROOT / "proto"), str(google)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["counts"] == 4  # bytes: a number of 32 bits for the one query
    assert found["streamed"] == list(range(100))
    assert found["code"] == 3
    assert "google.rpc.ErrorInfo" in found["details"] and "INVALID_SIGNATURE" in found["details"]


K6_SCRIPT = """
import grpc from "k6/net/grpc";
import { check } from "k6";
export const options = { vus: 4, duration: "2s", thresholds: { checks: ["rate==1.0"] } };
const client = new grpc.Client();
const batch = { type: "SIGNATURE_TYPE_CLD_33", data: __ENV.LAYOUT, count: 1 };
export default () => {
  client.connect(__ENV.ADDRESS, { plaintext: true, reflect: true });
  const method = "mitate.v1.SearchService/BatchSearchSignatures";
  const answer = client.invoke(method, { signatures: batch });
  const right = (one) => one.status === grpc.StatusOK && one.message.hits.topK === 10;
  check(answer, { right });
  client.close();
};
"""


def test_k6_loads_the_server_by_reflection(server: Server, tmp_path: Path) -> None:
    k6 = shutil.which("k6", path=Path(sys.executable).parent)
    if k6 is None:
        pytest.skip("k6 is not installed")
    script = tmp_path / "load.js"
    script.write_text(K6_SCRIPT)
    layout = base64.b64encode(bytes([16] * 33)).decode()
    command = [k6, "run", "--quiet", "--no-usage-report", "-e", f"ADDRESS={server.address}"]
    command += ["-e", f"LAYOUT={layout}", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@npm
@pytest.mark.slow
def test_the_typescript_client_signs_and_searches(server: Server, still: Path) -> None:
    command = [str(ROOT / "scripts" / "typescript"), f"SERVER=http://{server.address}"]
    command += [f"PICTURE={still}", "TITLE=zoom"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "# fail 0" in done.stdout
    assert "SERVER is not set" not in done.stdout
