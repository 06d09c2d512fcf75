/**
 * The name Node's world has for a Rust target: `linux-x64-gnu` for `x86_64-unknown-linux-gnu`.
 *
 * @param {string} target
 */
export function tupleOf(target) {
  const [cpu, , system, abi] = target.split('-');
  const arch = { x86_64: 'x64', aarch64: 'arm64' }[cpu];
  const platform = system === 'windows' ? 'win32' : system;
  return [platform, arch, abi].filter(Boolean).join('-');
}
