import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { MillraceError } from '../errors.js';
import { prebuiltPath, tuple } from './tuple.js';

const require = createRequire(import.meta.url);

/** One place where the addon may be. */
interface Place {
  readonly name: string;
  load(): unknown;
}

/**
 * Finds and loads the addon. `MILLRACE_NATIVE`, when set, is the path of the only file tried;
 * otherwise the first of a development build, this platform's package and the offline package.
 *
 * @throws MillraceError `ERR_MILLRACE_NATIVE_MISSING`, whose `cause` holds what each place said.
 */
export function loadNative(): unknown {
  const target = tuple();
  const attempts: Error[] = [];
  for (const place of places(target)) {
    try {
      return place.load();
    } catch (error) {
      attempts.push(new Error(`${place.name}: ${firstLine(error)}`, { cause: error }));
    }
  }
  throw new MillraceError(
    'ERR_MILLRACE_NATIVE_MISSING',
    `No native part of Millrace could be loaded for ${target}. ` +
      `Install @millrace/native-${target} (npm does so unless optional dependencies are left out) ` +
      `or @millrace/prebuilt. Tried:\n${attempts.map((attempt) => `  ${attempt.message}`).join('\n')}`,
    { cause: new AggregateError(attempts, 'every place was tried') },
  );
}

function places(target: string): Place[] {
  const override = process.env.MILLRACE_NATIVE;
  if (override) {
    return [{ name: `MILLRACE_NATIVE=${override}`, load: () => require(resolve(override)) }];
  }
  const development = `../../build/native/millrace.${target}.node`;
  return [
    { name: 'development build', load: () => require(development) },
    installed(`@millrace/native-${target}`, `millrace.${target}.node`),
    installed('@millrace/prebuilt', prebuiltPath()),
  ];
}

/** A binary of another version has other memory layouts, so that it is refused rather than tried. */
function installed(name: string, file: string): Place {
  return {
    name,
    load() {
      const wanted = require('../../package.json').version;
      const { version } = require(`${name}/package.json`);
      if (version !== wanted) throw new Error(`is version ${version}, but millrace is ${wanted}`);
      return require(`${name}/${file}`);
    },
  };
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] as string;
}
