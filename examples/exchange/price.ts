const decimal = /^(\d{1,7})(?:\.(\d{1,2}))?$/;

/** Hundredths from `'101.5'`; undefined for anything else. */
export function parsePrice(text: string): number | undefined {
  const [, whole, fraction = ''] = decimal.exec(text) ?? [];
  return whole === undefined ? undefined : Number(whole) * 100 + Number(fraction.padEnd(2, '0'));
}

export const formatPrice = (price: number): string => (price / 100).toFixed(2);
