import { readFileSync } from 'node:fs';

/** The name of this platform in binary and package names, such as `linux-x64-gnu`. */
export function tuple(): string {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform === 'linux') return `${base}-${libc()}`;
  return process.platform === 'win32' ? `${base}-msvc` : base;
}

/** Where prebuildify puts this platform's binary, below its package's folder. */
export function prebuiltPath(): string {
  const tag = process.platform === 'linux' ? (libc() === 'gnu' ? '.glibc' : '.musl') : '';
  return `prebuilds/${process.platform}-${process.arch}/millrace${tag}.node`;
}

/** The process knows which libc it runs on; the file system is asked only where reports are off. */
function libc(): 'gnu' | 'musl' {
  const header = reportHeader();
  if (header) return 'glibcVersionRuntime' in header ? 'gnu' : 'musl';
  try {
    return readFileSync('/usr/bin/ldd', 'utf8').includes('musl') ? 'musl' : 'gnu';
  } catch {
    return 'gnu';
  }
}

function reportHeader(): object | undefined {
  const report = process.report;
  if (!report) return undefined;
  const { excludeNetwork } = report as { excludeNetwork?: boolean };
  try {
    // Otherwise the report resolves the name of every open socket's peer, which takes seconds.
    Object.assign(report, { excludeNetwork: true });
    return (report.getReport() as { header?: object }).header;
  } catch {
    return undefined;
  } finally {
    Object.assign(report, { excludeNetwork });
  }
}
