// The columns of a batch answer, read as hits of each query.

import type { HitColumns } from "../generated/mitate/v1/search_pb.js";
import { Verdict } from "../generated/mitate/v1/match_pb.js";

/** One place that looks like one query. */
export interface Hit {
  title: string;
  titleId: bigint;
  episode: string;
  episodeId: bigint;
  sourceId: bigint;
  fromMs: number;
  toMs: number;
  atMs: number;
  distance: number;
  mirrored: boolean;
  verdict: Verdict;
  refs: { [provider: string]: string };
  /** Whether it is right, 0 to 1; undefined for signatures. */
  probability?: number;
  /** The part of the picture that matched; undefined for signatures. */
  view?: string;
}

/** The answer to one query: what it is worth, and its hits, best first. */
export interface QueryHits {
  verdict: Verdict;
  hits: Hit[];
}

/** Return the hits of every query of a batch. */
export function hitsOf(columns: HitColumns): QueryHits[] {
  const view = (bytes: Uint8Array) =>
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const indexes = view(columns.episodeIndexes);
  const [sourceIds, from, to, at] = [
    columns.sourceIds,
    columns.fromMs,
    columns.toMs,
    columns.atMs,
  ].map(view);
  const distances = view(columns.distances);
  const counts = view(columns.hitCounts);
  const probabilities = view(columns.probabilities);
  const probability = (place: number): number | undefined => {
    if (probabilities.byteLength === 0) return undefined;
    const known = probabilities.getFloat32(place * 4, true);
    return Number.isNaN(known) ? undefined : known;
  };
  const hit = (place: number): Hit => {
    const name = columns.episodes[indexes.getUint32(place * 4, true)];
    return {
      title: name.title,
      titleId: name.titleId,
      episode: name.episode,
      episodeId: name.episodeId,
      sourceId: sourceIds.getBigInt64(place * 8, true),
      fromMs: Number(from.getBigInt64(place * 8, true)),
      toMs: Number(to.getBigInt64(place * 8, true)),
      atMs: Number(at.getBigInt64(place * 8, true)),
      distance: distances.getFloat32(place * 4, true),
      mirrored: columns.mirrored[place] === 1,
      verdict: columns.verdicts[place] as Verdict,
      refs: name.refs,
      probability: probability(place),
      view: columns.views[place],
    };
  };
  return Array.from(columns.queryVerdicts, (verdict, query) => ({
    verdict: verdict as Verdict,
    hits: Array.from({ length: counts.getUint32(query * 4, true) }, (_, i) =>
      hit(query * columns.topK + i),
    ),
  }));
}
