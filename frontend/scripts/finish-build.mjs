// Finishes a build: compresses the files that Vite left in dist and writes the index that the server component reads.
//
// Everything that can be known before a request is worked out here, once: content types, strong tags, how long a
// browser may keep a file, and smaller variants beside the files that have one. The index, dist/files.json, is also
// the list of what may be served at all. Its reader is frontend/server/src/site.rs: change both together.
//
// Called by `npm run build`, so that `spin build` and `cargo xtask build` need nothing else.

import { createHash } from "node:crypto";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const DIST = process.argv[2] ?? fileURLToPath(new URL("../dist", import.meta.url));
const INDEX = "files.json";

/** What a file is, by its extension. One that is missing here fails the build rather than being guessed at. */
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/** These are compressed inside already. */
const PACKED = new Set([".jpg", ".png", ".webp", ".woff2"]);

/** Below this many bytes a smaller body saves nothing: it fits one packet either way. */
const WORTH_COMPRESSING_BYTES = 512;

/** Vite's hashed names: eight characters of the hash stand before the extension. */
const HASHED = /^\/assets\/.+-[\w-]{8}\.\w+$/;

/** The files of the build, as paths that begin with a slash, without what an earlier run of this script left. */
async function builtFiles() {
  const entries = await readdir(DIST, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => "/" + relative(DIST, join(entry.parentPath ?? entry.path, entry.name)).split(sep).join("/"));
  const leftovers = paths.filter((path) => path === `/${INDEX}` || path.endsWith(".br") || path.endsWith(".gz"));
  await Promise.all(leftovers.map((path) => rm(join(DIST, path))));
  return paths.filter((path) => !leftovers.includes(path)).sort();
}

/** How long a browser may keep a file without asking again. */
function cacheOf(path) {
  if (HASHED.test(path)) return "immutable";
  // The page and the service worker decide what else is loaded, so an update must reach them at once.
  return /\.(html|m?js)$/.test(path) ? "revalidate" : "day";
}

/** Writes a variant when it saves at least a twentieth, and tells its size. */
async function writeVariant(path, content, suffix, compress) {
  const packed = await compress(content);
  if (packed.length > content.length * 0.95) return undefined;
  await writeFile(join(DIST, path + suffix), packed);
  return packed.length;
}

async function indexEntry(path) {
  const extension = extname(path).toLowerCase();
  const type = TYPES[extension];
  if (type === undefined) {
    throw new Error(`${path} has no known content type: add "${extension}" to TYPES in scripts/finish-build.mjs`);
  }
  const content = await readFile(join(DIST, path));
  const entry = {
    type,
    // 96 bits of the hash are plenty to tell the versions of one file apart.
    tag: createHash("sha256").update(content).digest("base64url").slice(0, 16),
    cache: cacheOf(path),
    size: content.length,
  };
  if (!PACKED.has(extension) && content.length >= WORTH_COMPRESSING_BYTES) {
    const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } };
    entry.br = await writeVariant(path, content, ".br", (bytes) => promisify(brotliCompress)(bytes, brotli));
    entry.gzip = await writeVariant(path, content, ".gz", (bytes) => promisify(gzip)(bytes, { level: 9 }));
  }
  return [path, entry];
}

const files = Object.fromEntries(await Promise.all((await builtFiles()).map(indexEntry)));
if (!files["/index.html"]) throw new Error(`${DIST} has no index.html: run vite build first`);
await writeFile(join(DIST, INDEX), JSON.stringify({ files }));

const sum = (size) => Object.values(files).reduce((total, file) => total + size(file), 0);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(
  `${Object.keys(files).length} files, ${kilobytes(sum((file) => file.size))}, ` +
    `sent as ${kilobytes(sum((file) => file.br ?? file.size))} with brotli`,
);
