import { closeSync, fdatasyncSync, fsyncSync, openSync } from 'node:fs';
import type { PGlite } from '@electric-sql/pglite';

/** An open file of the embedded database; directories have no descriptor of their own. */
interface OpenFile {
  readonly nfd?: number;
  readonly node: unknown;
}

/** The parts of Emscripten's file system for Node that are used here. */
interface NodeFileSystem {
  readonly stream_ops: { fsync?: (file: OpenFile) => number };
  realPath(node: unknown): string;
}

/**
 * Lets the embedded PostgreSQL's own `fsync` reach the disk.
 *
 * PostgreSQL knows what to flush and when: the write-ahead log before a COMMIT returns, data files
 * and directories before a checkpoint forgets the log. Compiled for WebAssembly it calls `fsync`
 * through the file system's operations, and the one for Node has none, so the call does nothing.
 * Here it gets one. `fdatasync` is enough for files: it flushes a file's length too.
 */
export function flushFiles(database: PGlite): void {
  const files = (database.Module as unknown as { NODEFS: NodeFileSystem }).NODEFS;
  files.stream_ops.fsync = (file) => {
    if (file.nfd === undefined) flushDirectory(files.realPath(file.node));
    else fdatasyncSync(file.nfd);
    return 0;
  };
}

function flushDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Settings under which PostgreSQL flushes; this method is the one that takes that way. */
export const FLUSHING_SETTINGS = ['fsync=on', 'wal_sync_method=fsync'];
