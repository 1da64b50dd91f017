// How quantities, moments and texts of a store are written for people.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1.9 MiB`; in the unit that fits `like`, for two sizes side by side. */
export function size(bytes: number, like = bytes): string {
  let unit = 0
  while (unit < UNITS.length - 1 && like / 1024 ** unit >= 1024 - (unit === 0 ? 0 : 0.05)) unit++
  return unit === 0 ? `${bytes} B` : `${(bytes / 1024 ** unit).toFixed(1)} ${UNITS[unit]}`
}

/** `1,234 objects`, `1 object`. */
export function count(n: number, one?: string, many = `${one}s`): string {
  const digits = n.toLocaleString('en-US')
  return one === undefined ? digits : `${digits} ${n === 1 ? one : many}`
}

/** ISO 8601, UTC; of a time that no calendar has, its milliseconds. */
export function moment(time: number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? `${time} ms` : date.toISOString()
}

/** Texts of the store must not steer the terminal: control and direction characters are shown as escapes. */
export function harmless(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what it is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, character => {
    if (character === '\n') return '\\n'
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Rows under each other, two spaces between; columns named in `right` are flush right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, n) => (widths[n] = Math.max(widths[n] ?? 0, cell.length)))
  return rows.map(row => {
    const cells = row.map((cell, n) =>
      right.includes(n) ? cell.padStart(widths[n] ?? 0) : cell.padEnd(widths[n] ?? 0),
    )
    return cells.join('  ').trimEnd()
  })
}
