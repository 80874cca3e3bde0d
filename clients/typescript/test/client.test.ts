// Against a running server: SERVER names it, PICTURE a still of what is stored; else left out.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PNG } from "pngjs";
import { Client, MitateError, sign, Verdict } from "../src/index.js";

const server = process.env.SERVER;
const picture = process.env.PICTURE ?? "";
const title = process.env.TITLE;
const skip = !server && "SERVER is not set";
const client = new Client({ baseUrl: server ?? "http://127.0.0.1:1", token: process.env.TOKEN });

test("a picture is found", { skip }, async () => {
  const answer = await client.searchImage(picture);
  assert.equal(answer.verdict, Verdict.MATCH);
  assert.equal(answer.matches[0].title, title);
  assert.ok(answer.diagnostics && answer.diagnostics.timingsMs["search"] >= 0);
});

test("a signature made here is found at the same place", { skip }, async () => {
  const layout = sign(PNG.sync.read(readFileSync(picture)));
  const [first, second] = await client.searchSignatures([layout, layout], { topK: 2 });
  assert.deepEqual(first, second);
  assert.equal(first.hits[0].title, title);
  const episode = await client.episode(first.hits[0].episodeId);
  assert.equal(episode.title, title);
  assert.ok((await client.stats()).episodeCount >= 1n);
});

test("errors have the reason and the text of the server", { skip }, async () => {
  await assert.rejects(client.searchImage(new Uint8Array([1, 2, 3])), (error) => {
    assert.ok(error instanceof MitateError);
    assert.equal(error.reason, "INVALID_MEDIA");
    return true;
  });
  await assert.rejects(client.episode(999_999n), { reason: "NOT_FOUND" });
});

test("a server that is not there is told as unavailable", async () => {
  const nobody = new Client({ baseUrl: "http://127.0.0.1:1" });
  await assert.rejects(nobody.stats(), { reason: "UNAVAILABLE" });
});
