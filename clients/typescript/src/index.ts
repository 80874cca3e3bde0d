export { Client, type ClientOptions, type SearchOptions } from "./client.js";
export { MitateError } from "./errors.js";
export { type Hit, hitsOf, type QueryHits } from "./hits.js";
export { DESCRIPTOR_VERSION, N_COEFFICIENTS, type Pixels, sign } from "./layout.js";
export { type Match, Verdict } from "../generated/mitate/v1/match_pb.js";
export type { Episode, Stats } from "../generated/mitate/v1/catalog_pb.js";
export type { SearchImageResponse } from "../generated/mitate/v1/search_pb.js";
