// The state of a model of commit, pack and recovery: files as lists of frames, and processes between two of their steps.
// Contents, checksums and byte offsets are left out. So is the sidecar: whoever removes it takes away nothing that is relied on here.

/** A frame: a commit's number, or one of these. */
export type Frame = number
/** An append that has begun and not ended. */
export const TORN: Frame = 0
/** "A pack has put another file in this one's place." */
export const SUPERSEDED: Frame = -1

export const NOTHING = -1

/** Never changed, only replaced: states share them. */
export interface Inode {
  readonly frames: readonly Frame[]
  /** How many frames an fsync has covered. */
  readonly synced: number
  /** The header and the packed state are on disk. */
  readonly whole: boolean
}

const KINDS = ['writer', 'packer', 'sweeper', 'reader'] as const
export type Kind = (typeof KINDS)[number]
/** One of the steps in model-steps.ts. */
export type StepName = string

/** A process. */
export interface Actor {
  kind: Kind
  /** The step it takes next. */
  at: StepName
  /** The file it has open, and how many of its frames it has applied. */
  inode: number
  applied: number
  /** The data file whose lock it holds. */
  holds: number
  /** A packer's: what it packs, and the new file. A sweeper's: the stray. */
  source: number
  temporary: number
  holdsTemporary: boolean
  /** Commits or sweeps still to do. */
  left: number
  /** The commit it is making. */
  commit: number
  /** The file for whose name it has synced the directory. */
  confirmed: number
}

export interface State {
  inodes: readonly Inode[]
  /** To which file the path leads: since the last sync of the directory, oldest first; the last one is what everybody sees. */
  path: readonly number[]
  /** Temporary files that still have their name. */
  strays: readonly number[]
  /** Commits that a caller knows to be made, and to be on disk: one bit each. */
  acknowledged: number
  durable: number
  next: number
  kills: number
  /** Whether commits are acknowledged only when they are on disk. */
  durably: boolean
  actors: readonly Actor[]
  /** An invariant that a step has found broken. */
  broken: string | undefined
}

export interface Bounds {
  writers: number
  /** Of each writer. */
  commits: number
  packers: number
  sweepers: number
  readers: number
  kills: number
  durably: boolean
}

export const current = (s: State): number => s.path.at(-1) ?? 0
export const file = (s: State, inode: number): Inode => s.inodes[inode]!
export const change = (s: State, inode: number, changes: Partial<Inode>): void => {
  s.inodes = s.inodes.with(inode, { ...file(s, inode), ...changes })
}
export const isLocked = (s: State, inode: number): boolean =>
  s.actors.some(each => each.holds === inode || (each.holdsTemporary && each.temporary === inode))

export function commitsIn({ frames }: Inode, upTo = frames.length): number {
  let bits = 0
  for (let n = 0; n < upTo; n++) if (frames[n]! > 0) bits |= 1 << frames[n]!
  return bits
}

export function initialState(bounds: Bounds): State {
  const actor = (kind: Kind, at: StepName, left: number): Actor => ({
    kind,
    at,
    inode: 0,
    applied: 0,
    holds: NOTHING,
    source: NOTHING,
    temporary: NOTHING,
    holdsTemporary: false,
    left,
    commit: 0,
    confirmed: NOTHING,
  })
  const many = (count: number, make: () => Actor): Actor[] => Array.from({ length: count }, make)
  return {
    inodes: [{ frames: [], synced: 0, whole: true }],
    path: [0],
    strays: [],
    acknowledged: 0,
    durable: 0,
    next: 1,
    kills: bounds.kills,
    durably: bounds.durably,
    broken: undefined,
    actors: [
      ...many(bounds.writers, () => actor('writer', 'lock', bounds.commits)),
      ...many(bounds.packers, () => actor('packer', 'catch up', 1)),
      ...many(bounds.sweepers, () => actor('sweeper', 'find stray', 2)),
      ...many(bounds.readers, () => actor('reader', 'catch up', 0)),
    ],
  }
}

/** The same for two states that differ only in which of several equal processes is which. */
export function keyOf(s: State): string {
  const open = new Set([...s.path, ...s.strays])
  for (const { inode, source, temporary } of s.actors) open.add(inode).add(source).add(temporary)
  const inodes = s.inodes.map((inode, n) => (open.has(n) ? keyOfInode(inode) : ''))
  return `${keyOfActors(s.actors)}/${inodes.join('|')}/${s.path.join()}/${s.strays.join()}/${s.acknowledged},${s.durable},${s.kills}${s.broken ?? ''}`
}

/** Four characters each: digits would take ten times as long. */
function keyOfActors(actors: readonly Actor[]): string {
  const units = Float64Array.from(actors, keyOfActor).sort()
  return String.fromCharCode(...new Uint16Array(units.buffer))
}

const keys = new WeakMap<Inode, string>()

function keyOfInode(inode: Inode): string {
  let key = keys.get(inode)
  if (key === undefined) {
    key = `${inode.frames.join(' ')};${inode.synced}${inode.whole ? '' : '?'}`
    keys.set(inode, key)
  }
  return key
}

/** All of it in one number: each field is at least -1 and below 15. */
function keyOfActor(a: Actor): number {
  let key = numberOf(a.at) * 8 + KINDS.indexOf(a.kind) * 2 + (a.holdsTemporary ? 1 : 0)
  key = ((key * 16 + a.inode + 1) * 16 + a.applied + 1) * 16 + a.holds + 1
  key = ((key * 16 + a.source + 1) * 16 + a.temporary + 1) * 16 + a.left
  return (key * 16 + a.commit) * 16 + a.confirmed + 1
}

const numbers = new Map<StepName, number>()

function numberOf(step: StepName): number {
  let number = numbers.get(step)
  if (number === undefined) numbers.set(step, (number = numbers.size))
  return number
}
