/** Chinese numerals up to 999 as printed in front of parts, aspects and issues. */
const digits: Readonly<Record<string, number>> = { 〇: 0, 零: 0, 一: 1, 二: 2, 两: 2, 三: 3, 四: 4, 五: 5, 六: 6, 七: 7, 八: 8, 九: 9 };
const units: Readonly<Record<string, number>> = { 十: 10, 百: 100 };

const valueOf = (numeral: string): number => {
  let total = 0;
  let digit = 0;
  for (const sign of numeral) {
    const unit = units[sign];
    if (unit === undefined) digit = digits[sign] ?? 0;
    else {
      // 十二 has no digit before its unit.
      total += Math.max(digit, 1) * unit;
      digit = 0;
    }
  }
  return total + digit;
};

/** A word in the path (附件) is told apart by its beginning. */
const wordCharsMax = 20;
/** Length of a whole key: a path that goes deeper sorts by its upper parts. */
export const numberKeyLengthMax = 200;

const sortable = (token: string): string => {
  // NFKC reads ① as 1, ㈠ as (一) and full-width signs like ASCII ones.
  const plain = token.normalize('NFKC');
  const number = /\d{1,9}|[〇零一二两三四五六七八九十百]+/.exec(plain)?.[0];
  if (number === undefined) return Array.from(plain.toLowerCase().replaceAll(/\P{L}/gu, '')).slice(0, wordCharsMax).join('');
  return String(/^\d/.test(number) ? Number(number) : valueOf(number)).padStart(4, '0');
};

/** A key by which issues sort as their document prints them, whatever marks it uses: ["二、", "(一)", "问题12"] gives 0002.0001.0012. */
export const numberKey = (numberPath: readonly string[]): string =>
  numberPath.map(sortable).reduce((key, part, at) => {
    if (at === 0) return part;
    return key.length + 1 + part.length > numberKeyLengthMax ? key : `${key}.${part}`;
  }, '');
