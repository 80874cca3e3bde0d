// Descriptors against the golden pictures: GOLDEN names their folder; without it this is left out.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PNG } from "pngjs";
import { sign } from "../src/index.js";

const golden = process.env.GOLDEN;

test("golden pictures have their 33 integers", { skip: !golden && "GOLDEN is not set" }, () => {
  const [header, ...lines] = readFileSync(`${golden}/descriptors.tsv`, "utf8").trim().split("\n");
  const column = header.split("\t").indexOf("mean_first_33");
  for (const line of lines) {
    const fields = line.split("\t");
    const picture = PNG.sync.read(readFileSync(`${golden}/png/${fields[0]}`));
    assert.deepEqual([...sign(picture)], fields[column].split(",").map(Number), fields[0]);
  }
  assert.equal(lines.length, 36);
});

test("a grey picture is its DC value and nothing else", () => {
  const data = new Uint8Array(16 * 16 * 4).fill(128);
  for (let i = 3; i < data.length; i += 4) data[i] = 255;
  const layout = sign({ data, width: 16, height: 16 });
  assert.deepEqual([...layout.subarray(1, 21)], Array(20).fill(16));
  assert.equal(layout.length, 33);
});

test("what is transparent is black", () => {
  const black = { data: new Uint8Array(64 * 4), width: 8, height: 8 };
  for (let i = 3; i < black.data.length; i += 4) black.data[i] = 255;
  const clear = { data: new Uint8Array(64 * 4).fill(200), width: 8, height: 8 };
  for (let i = 3; i < clear.data.length; i += 4) clear.data[i] = 0;
  assert.deepEqual(sign(clear), sign(black));
});

test("a size that does not fit the bytes is refused", () => {
  assert.throws(() => sign({ data: new Uint8Array(12), width: 2, height: 2 }), /12 bytes for 2 x 2/);
  assert.throws(() => sign({ data: new Uint8Array(0), width: 0, height: 2 }), /at least 1 x 1/);
});
