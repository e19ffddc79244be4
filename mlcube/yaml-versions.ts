/** Forms of a key or value without quotes that YAML 1.1, as Python reads it, and YAML 1.2 take for different things. */
const DOUBTFUL: readonly RegExp[] = [
  // True and false in 1.1; a default value.
  /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|=)$/,
  // Octal in 1.1 and decimal in 1.2; binary in 1.1; octal in 1.2; hexadecimal with a sign or in groups in 1.1.
  /^(?:[-+]?0[\d_]+|[-+]?0b[01_]+|0o[0-7]+|[-+]0x[\da-fA-F_]+|0x[\da-fA-F_]*_[\da-fA-F_]*)$/,
  // Digits in groups, hours and minutes, and dates in 1.1.
  /^[-+]?\d[\d_]*_[\d_]*(?:\.[\d_]*)?(?:[eE][-+]\d+)?$/,
  /^(?:[-+]?\d+\.[\d_]*_[\d_]*|\.\d[\d_]*_[\d_]*)(?:[eE][-+]\d+)?$/,
  /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/,
  /^\d{4}-\d\d?-\d\d?(?:$|[Tt \t])/,
  // Numbers only in 1.2: an exponent without a point before it or without a sign, a point right behind a sign.
  /^[-+]?(?:\d+[eE][-+]?\d+|\d*\.\d*[eE]\d+)$/,
  /^[-+]\.\d+(?:[eE][-+]?\d+)?$/,
];
/** The forms take longer than in proportion to the text. */
const LONGEST = 100;

export function isDoubtful(bare: string): boolean {
  return bare.length <= LONGEST && DOUBTFUL.some((form) => form.test(bare));
}
