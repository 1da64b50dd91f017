// The store of the kills: one desk for each process that runs at a time. Each commit is the next number of its desk, and
// stands in several objects at once, so that half a commit would show.
import { Persistent, PersistentMap } from 'perdure'

/** Any number of bytes, all of them the number of the commit that wrote them. */
export class Sheet extends Persistent {
  static type = 'Sheet'
  n = 0
  bytes = new Uint8Array()
}

export class Desk extends Persistent {
  static type = 'Desk'
  n = 0
  sheet: Sheet | null = null
  notes = new PersistentMap<number, string>()
}

export class Office extends Persistent {
  static type = 'Office'
  desks: Desk[] = []
  /** Commits of all desks. */
  total = 0
}

export const officeOptions = { root: Office, classes: [Desk, Sheet] } as const

/** Commit `n` of a desk. */
export function work(office: Office, desk: Desk, n: number, bytes: number): void {
  const sheet = new Sheet()
  sheet.n = n
  sheet.bytes = new Uint8Array(bytes).fill(n)
  desk.n = n
  desk.sheet = sheet
  desk.notes.set(n % 7, String(n))
  office.total++
}

/** The last commit of each desk; throws if one is there by half. To be called in one transaction. */
export function lastCommits(office: Office): number[] {
  const last = office.desks.map(({ n, sheet, notes }) => {
    const noted = n === 0 || notes.get(n % 7) === String(n)
    const whole = (sheet?.n ?? 0) === n && (sheet?.bytes.every(byte => byte === (n & 255)) ?? true)
    if (!whole || !noted) throw new Error(`commit ${n} of a desk is not whole`)
    return n
  })
  const sum = last.reduce((all, n) => all + n, 0)
  if (sum !== office.total) throw new Error(`${sum} commits at the desks, ${office.total} in all`)
  return last
}
