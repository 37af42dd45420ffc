/** Bytes of text by the numbers that the Autobahn suite gives them: whether they are UTF-8 is said, not worked out. */
type Listed = readonly [section: string, bytes: string, isUtf8: boolean];

/** One case for each of the bytes, numbered from `first`. */
function all(section: string, isUtf8: boolean, bytes: readonly string[], first = 1): Listed[] {
  return bytes.map((each, index) => [`${section}.${index + first}`, each, isUtf8]);
}

const KOSME = 'ce ba e1 bd b9 cf 83 ce bc ce b5';
/** After so many of its bytes a character of it ends. */
const ENDS_OF_KOSME = [2, 5, 7, 9, 11];

function prefixes(): Listed[] {
  const bytes = KOSME.split(' ');
  return bytes.map((_byte, index) => [
    `6.6.${index + 1}`,
    bytes.slice(0, index + 1).join(' '),
    ENDS_OF_KOSME.includes(index + 1),
  ]);
}

function range(from: number, to: number, between = ''): string {
  const bytes = Array.from({ length: to - from + 1 }, (_none, index) => (from + index).toString(16) + between);
  return bytes.join(' ');
}

/** U+nFFFE and U+nFFFF of each plane, which are characters to UTF-8. */
function nonCharacters(): string[] {
  return Array.from({ length: 17 }, (_none, plane) => [0xfffe, 0xffff].map((low) => plane * 0x1_0000 + low))
    .flat()
    .map((point) => Buffer.from(String.fromCodePoint(point)).toString('hex'));
}

const CUT_SHORT = [
  'c0',
  'e0 80',
  'f0 80 80',
  'f8 80 80 80',
  'fc 80 80 80 80',
  'df',
  'ef bf',
  'f7 bf bf',
  'fb bf bf bf',
  'fd bf bf bf bf',
];

export const UTF8_TEXTS: readonly Listed[] = [
  ...all('6.2', true, ['48 65 6c 6c 6f 2d c2 b5 40 c3 9f c3 b6 c3 a4 c3 bc c3 a0 c3 a1 2d 55 54 46 2d 38 21 21']),
  ...all('6.3', false, [`${KOSME} ed a0 80 65 64 69 74 65 64`]),
  ...prefixes(),
  ...all('6.7', true, ['00', 'c2 80', 'e0 a0 80', 'f0 90 80 80']),
  ...all('6.8', false, ['f8 88 80 80 80', 'fc 84 80 80 80 80']),
  ...all('6.9', true, ['7f', 'df bf', 'ef bf bf', 'f4 8f bf bf']),
  ...all('6.10', false, ['f7 bf bf bf', 'fb bf bf bf bf', 'fd bf bf bf bf bf']),
  ...all('6.11', true, ['ed 9f bf', 'ee 80 80', 'ef bf bd', 'f4 8f bf bf']),
  ...all('6.11', false, ['f4 90 80 80'], 5),
  ...all('6.12', false, [
    '80',
    'bf',
    '80 bf',
    '80 bf 80',
    '80 bf 80 bf',
    '80 bf 80 bf 80',
    '80 bf 80 bf 80 bf',
    range(0x80, 0xbe),
  ]),
  ...all('6.13', false, [
    range(0xc0, 0xdf, '20'),
    range(0xe0, 0xef, '20'),
    range(0xf0, 0xf7, '20'),
    range(0xf8, 0xfb, '20'),
    range(0xfc, 0xfd, '20'),
  ]),
  ...all('6.14', false, CUT_SHORT),
  ...all('6.15', false, [CUT_SHORT.join(' ')]),
  ...all('6.16', false, ['fe', 'ff', 'fe fe ff ff']),
  ...all('6.17', false, ['c0 af', 'e0 80 af', 'f0 80 80 af', 'f8 80 80 80 af', 'fc 80 80 80 80 af']),
  ...all('6.18', false, ['c1 bf', 'e0 9f bf', 'f0 8f bf bf', 'f8 87 bf bf bf', 'fc 83 bf bf bf bf']),
  ...all('6.19', false, ['c0 80', 'e0 80 80', 'f0 80 80 80', 'f8 80 80 80 80', 'fc 80 80 80 80 80']),
  ...all('6.20', false, ['ed a0 80', 'ed ad bf', 'ed ae 80', 'ed af bf', 'ed b0 80', 'ed be 80', 'ed bf bf']),
  ...all(
    '6.21',
    false,
    ['a0 80', 'ad bf', 'ae 80', 'af bf'].flatMap((high) => [`ed ${high} ed b0 80`, `ed ${high} ed bf bf`]),
  ),
  ...all('6.22', true, nonCharacters()),
  ...all(
    '6.23',
    true,
    ['b9', 'ba', 'bb', 'bc', 'bd', 'be', 'bf'].map((last) => `ef bf ${last}`),
  ),
];
