/**
 * One spelling for all that a provider may take for the same user name: letters by compatibility,
 * without case, accents, what cannot be seen, and blanks at the ends. Names that differ only in these
 * share their tries, which costs nothing but tries.
 *
 * Look-alikes of other scripts, and letters such as "ø" that no accent is split from, stay apart.
 */
export function plainName(username: string): string {
  return (
    username
      .normalize('NFKD')
      .replace(/[\p{Default_Ignorable_Code_Point}\p{Control}\p{Format}\p{Nonspacing_Mark}]/gu, '')
      // Twice, for "ß" is "ss" and both sigmas are one only in capitals.
      .toUpperCase()
      .toLowerCase()
      .normalize('NFKC')
      .trim()
  )
}
