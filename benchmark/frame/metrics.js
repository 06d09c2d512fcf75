/**
 * Reads Prometheus text from a URL into a map of sample name, labels included, to value.
 * @param {string} url
 */
export async function metrics(url) {
  const response = await fetch(url);
  if (!response.ok) {
    throw new Error(`${url} answered ${response.status}`);
  }
  const samples = new Map();
  for (const line of (await response.text()).split('\n')) {
    const at = line.lastIndexOf(' ');
    if (at > 0 && !line.startsWith('#')) {
      samples.set(line.slice(0, at), Number(line.slice(at + 1)));
    }
  }
  return samples;
}
