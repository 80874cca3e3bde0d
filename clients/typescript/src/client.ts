// A client for bots and sites: pictures, signatures, and where they come from.

import { readFile } from "node:fs/promises";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, createClient, type Client as Stub, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { CatalogService, type Episode, type Stats } from "../generated/mitate/v1/catalog_pb.js";
import type { SearchOptionsSchema } from "../generated/mitate/v1/match_pb.js";
import {
  SearchService,
  SignatureBatchSchema,
  SignatureType,
  type SearchImageResponse,
} from "../generated/mitate/v1/search_pb.js";
import { MitateError } from "./errors.js";
import { hitsOf, type QueryHits } from "./hits.js";
import { DESCRIPTOR_VERSION, N_COEFFICIENTS } from "./layout.js";

const TIMEOUT_MS = 60_000;
const TRIES = 4;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/** What narrows a search. */
export type SearchOptions = MessageInitShape<typeof SearchOptionsSchema>;

/** How to reach a server. */
export interface ClientOptions {
  /** "http://127.0.0.1:50061", or https. */
  baseUrl: string;
  /** API key or JSON Web Token. */
  token?: string;
  timeoutMs?: number;
}

/** A connection to a mitate server. Calls that only read are tried again when it is busy. */
export class Client {
  readonly search: Stub<typeof SearchService>;
  readonly catalog: Stub<typeof CatalogService>;

  constructor(options: ClientOptions) {
    const withToken: Interceptor = (next) => (request) => {
      if (options.token !== undefined) {
        request.header.set("authorization", `Bearer ${options.token}`);
      }
      return next(request);
    };
    const transport = createGrpcTransport({
      baseUrl: options.baseUrl,
      defaultTimeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      interceptors: [withToken],
      pingIntervalMs: 60_000,
    });
    this.search = createClient(SearchService, transport);
    this.catalog = createClient(CatalogService, transport);
  }

  /** Search a picture, given by its path or as the content of its file. */
  async searchImage(
    picture: string | Uint8Array,
    options: SearchOptions = {},
  ): Promise<SearchImageResponse> {
    const image = typeof picture === "string" ? await readFile(picture) : picture;
    return this.ask(() => this.search.searchImage({ image, options }));
  }

  /** Search descriptors of 33 integers that `sign` made, 1 to 4096 at once. */
  async searchSignatures(
    layouts: Uint8Array[],
    options: SearchOptions = {},
  ): Promise<QueryHits[]> {
    const data = new Uint8Array(layouts.length * N_COEFFICIENTS);
    layouts.forEach((layout, i) => {
      if (layout.length !== N_COEFFICIENTS) {
        throw new RangeError(`descriptor ${i} has ${layout.length} integers; 33 are needed`);
      }
      data.set(layout, i * N_COEFFICIENTS);
    });
    const signatures = create(SignatureBatchSchema, {
      type: SignatureType.CLD_33,
      data,
      count: layouts.length,
      descriptorVersion: DESCRIPTOR_VERSION,
    });
    const answer = await this.ask(() =>
      this.search.batchSearchSignatures({ signatures, options }),
    );
    return answer.hits ? hitsOf(answer.hits) : [];
  }

  /** Return one episode with its sources. */
  episode(episodeId: bigint): Promise<Episode> {
    return this.ask(() => this.catalog.getEpisode({ episodeId }));
  }

  /** Return how much is stored and how the server is. */
  stats(): Promise<Stats> {
    return this.ask(() => this.catalog.getStats({}));
  }

  /** Call, and again where the server is away for a moment or says when to come back. */
  private async ask<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (thrown) {
        const error = MitateError.from(thrown);
        const pauseMs =
          error.code === Code.Unavailable
            ? FIRST_PAUSE_MS * 2 ** (attempt - 1)
            : error.retryAfterMs;
        if (attempt === TRIES || pauseMs === undefined || pauseMs > MAX_PAUSE_MS) throw error;
        await new Promise((done) => setTimeout(done, pauseMs * (1 + Math.random() / 2)));
      }
    }
  }
}
