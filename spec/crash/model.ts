// A model of commit, pack and recovery: what processes do to files, in steps between which anybody else may act or die.
// Files are lists of frames; contents, checksums and byte offsets are left out. Every step names the code that it mirrors.
// The sidecar is left out too: whoever removes it takes away nothing that is relied on here.

/** A frame: a commit's number, or one of these. */
type Frame = number
/** An append that has begun and not ended. */
const TORN: Frame = 0
/** "A pack has put another file in this one's place." */
const SUPERSEDED: Frame = -1

const NOTHING = -1

/** Never changed, only replaced: states share them. */
interface Inode {
  readonly frames: readonly Frame[]
  /** How many frames an fsync has covered. */
  readonly synced: number
  /** The header and the packed state are on disk. */
  readonly whole: boolean
}

const KINDS = ['writer', 'packer', 'sweeper', 'reader'] as const
type Kind = (typeof KINDS)[number]
/** One of `steps` below. */
type StepName = string

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

/** The protocol with something left out: what the invariants must notice. */
export interface Omissions {
  /** A packer that has got the lock does not look whether another pack was first. */
  packerTrustsItsSource?: boolean
  /** A writer that has waited for the lock does not read the tail. */
  writerDoesNotTail?: boolean
  /** A writer that goes over to the next file keeps the lock of the old one, and writes. */
  writerKeepsOldLock?: boolean
  /** A reader applies a superseded frame like any other. */
  readerPassesSuperseded?: boolean
  /** A writer does not cut what a killed one has left. */
  tornFrameStays?: boolean
  /** A dead packer's superseded frame is believed. */
  supersededIsFinal?: boolean
  /** The new file gets its name before it is on disk. */
  renamedUnsynced?: boolean
  /** A commit in a new file is acknowledged without a sync of the directory. */
  directoryUnsynced?: boolean
  /** Temporary files are removed without a look at their lock. */
  sweepsBlindly?: boolean
}

/** Returns the next one, or that it cannot be taken now. */
type Step = (s: State, me: Actor, omit: Omissions) => StepName | undefined

const current = (s: State): number => s.path.at(-1) ?? 0
const file = (s: State, inode: number): Inode => s.inodes[inode]!
const change = (s: State, inode: number, changes: Partial<Inode>): void => {
  s.inodes = s.inodes.with(inode, { ...file(s, inode), ...changes })
}
const isLocked = (s: State, inode: number): boolean =>
  s.actors.some(each => each.holds === inode || (each.holdsTemporary && each.temporary === inode))

export function commitsIn({ frames }: Inode, upTo = frames.length): number {
  let bits = 0
  for (let n = 0; n < upTo; n++) if (frames[n]! > 0) bits |= 1 << frames[n]!
  return bits
}

/** lib/log/log-reader.ts, advance: whole frames are applied, but a superseded one only if something follows it. */
function advance(s: State, me: Actor, passSuperseded = false): 'end' | 'short' | 'superseded' {
  const { frames } = file(s, me.inode)
  for (; me.applied < frames.length; me.applied++) {
    const frame = frames[me.applied]
    if (frame === TORN) return 'short'
    if (frame === SUPERSEDED && me.applied === frames.length - 1 && !passSuperseded) return 'superseded'
  }
  return 'end'
}

function must(s: State, holds: boolean, otherwise: string): void {
  if (!holds) s.broken ??= otherwise
}

/** LogWriter.append, first half: some of the bytes are there. */
function beginAppend(s: State, me: Actor): void {
  const { inode } = me
  const others = s.actors.filter(each => each !== me && each.inode === inode && WRITING.has(each.at))
  must(s, others.length === 0, 'two processes write to one file')
  must(s, file(s, inode).frames.at(-1) !== TORN, 'something is appended behind an incomplete frame')
  change(s, inode, { frames: [...file(s, inode).frames, TORN] })
}

/** LogWriter.append, second half. */
function endAppend(s: State, me: Actor, frame: Frame): void {
  const { frames } = file(s, me.inode)
  must(s, frames.at(-1) === TORN, 'two processes write to one file')
  change(s, me.inode, { frames: [...frames.slice(0, -1), frame] })
}

/** What each kind of process does when it has caught up without the lock. */
function caughtUp(me: Actor): StepName {
  if (me.kind === 'writer') return 'lock'
  if (me.kind === 'reader') return 'catch up'
  if (me.temporary === NOTHING) return 'create temporary'
  return me.source === me.inode ? 'lock' : 'discard temporary'
}

const steps: Readonly<Record<StepName, Step>> = {
  // ---- lib/store/store.ts, #catchUp: by everybody, without the lock ----

  /** LogReader.advance */
  'catch up': (s, me, omit) => {
    const passes = me.kind === 'reader' && omit.readerPassesSuperseded === true
    return advance(s, me, passes) === 'superseded' ? 'look at the path' : caughtUp(me)
  },
  /** Store.#pathIsMine */
  'look at the path': (s, me) => (current(s) === me.inode ? caughtUp(me) : 'go over'),
  /** Store.#goOver: whatever stands at the path now is read from its beginning. */
  'go over': (s, me) => {
    me.inode = current(s)
    me.applied = 0
    return 'catch up'
  },

  // ---- lib/store/store.ts, commit and underLockAsync ----

  /** CommitLock.take, CommitLock.with */
  lock: (s, me) => {
    if (me.kind === 'writer' && me.left === 0) return 'done'
    if (me.holds === NOTHING) {
      if (isLocked(s, me.inode)) return undefined
      me.holds = me.inode
    }
    return 'tail'
  },
  /** Store.#tailUnderLock */
  tail: (s, me, omit) => {
    const ready = me.kind === 'writer' ? 'begin append' : 'finish copy'
    if (omit.writerDoesNotTail === true && me.kind === 'writer') return ready
    const status = advance(s, me)
    if (status === 'short') return omit.tornFrameStays === true ? ready : 'cut'
    if (status === 'end') return ready
    if (omit.packerTrustsItsSource === true && me.kind === 'packer') return ready
    return 'look under lock'
  },
  /** lib/log/recovery.ts, cutShortFrame: synced before anything is appended */
  cut: (s, me) => {
    const frames = file(s, me.inode).frames.slice(0, -1)
    change(s, me.inode, { frames, synced: frames.length })
    return 'tail'
  },
  /** Store.#pathIsMine with the lock held, then LogReader.passSuperseded: the packer has died */
  'look under lock': (s, me, omit) => {
    if (current(s) !== me.inode)
      return omit.writerKeepsOldLock === true && me.kind === 'writer' ? 'go over' : 'unlock and go over'
    if (omit.supersededIsFinal === true) return undefined
    me.applied++
    return 'tail'
  },
  /** CommitLock.release, then Store.#catchUp */
  'unlock and go over': (_s, me) => {
    me.holds = NOTHING
    return 'catch up'
  },

  // ---- lib/store/store.ts, #append ----

  /** Store.touchedSince, LogWriter.append */
  'begin append': (s, me) => {
    const seen = commitsIn(file(s, me.inode), me.applied)
    must(s, (s.acknowledged & ~seen) === 0, 'a commit is validated without having seen an acknowledged one')
    beginAppend(s, me)
    return 'end append'
  },
  'end append': (s, me) => {
    me.commit = s.next++
    endAppend(s, me, me.commit)
    me.applied = file(s, me.inode).frames.length
    return 'unlock'
  },
  /** CommitLock.release; commit() returns */
  unlock: (s, me) => {
    me.holds = NOTHING
    s.acknowledged |= 1 << me.commit
    if (s.durably) return 'sync'
    me.left--
    return 'lock'
  },

  // ---- lib/store/store.ts, makeDurable ----

  /** Durability.sync */
  sync: (s, me, omit) => {
    change(s, me.inode, { synced: file(s, me.inode).frames.length })
    return me.confirmed === me.inode || omit.directoryUnsynced === true ? 'confirm' : 'sync directory'
  },
  /** Durability.#syncDirectory: once for each generation */
  'sync directory': (s, me) => {
    s.path = [current(s)]
    me.confirmed = me.inode
    return 'confirm'
  },
  /** Store.#look; makeDurable() returns */
  confirm: (s, me) => {
    const mine = current(s) === me.inode
    must(s, mine || advance(s, me) === 'superseded', 'a pack is taken for a stranger’s file')
    s.durable |= 1 << me.commit
    me.commit = 0
    me.left--
    return mine ? 'lock' : 'go over'
  },

  // ---- lib/store/pack.ts ----

  /** lib/store/temporary.ts, tryCreate */
  'create temporary': (s, me) => {
    me.source = me.inode
    me.temporary = s.inodes.length
    s.inodes = [...s.inodes, { frames: [], synced: 0, whole: false }]
    s.strays = [...s.strays, me.temporary]
    return 'lock temporary'
  },
  /** lib/store/temporary.ts, tryCreate: its lock, then its name, or else another one */
  'lock temporary': (s, me) => {
    if (isLocked(s, me.temporary) || !s.strays.includes(me.temporary)) return 'create another'
    me.holdsTemporary = true
    return 'copy'
  },
  'create another': (s, me) => {
    s.strays = s.strays.filter(each => each !== me.temporary)
    me.temporary = NOTHING
    return 'create temporary'
  },
  /** LiveCopy.everythingAt */
  copy: (s, me) => {
    const { frames } = file(s, me.source)
    change(s, me.temporary, { frames: frames.slice(0, me.applied).filter(frame => frame > 0) })
    return 'lock'
  },
  /** putInPlace: LiveCopy.changedSince, BaseWriter.finish */
  'finish copy': (s, me, omit) => {
    const frames = file(s, me.source)
      .frames.slice(0, me.applied)
      .filter(frame => frame > 0)
    const whole = omit.renamedUnsynced !== true
    change(s, me.temporary, { frames, whole, synced: whole ? frames.length : 0 })
    return 'begin superseded'
  },
  /** putInPlace: LogWriter.append */
  'begin superseded': (s, me) => {
    beginAppend(s, me)
    return 'end superseded'
  },
  'end superseded': (s, me) => {
    endAppend(s, me, SUPERSEDED)
    return 'rename'
  },
  /** putInPlace: Disk.rename */
  rename: (s, me) => {
    must(s, s.strays.includes(me.temporary), 'a file is removed that a living packer needs')
    s.strays = s.strays.filter(each => each !== me.temporary)
    s.path = [...s.path, me.temporary]
    return 'let others lock it'
  },
  /** Temporary.keep */
  'let others lock it': (_s, me) => {
    me.holdsTemporary = false
    me.temporary = NOTHING
    return 'sync new name'
  },
  /** putInPlace: Disk.syncDirectory */
  'sync new name': s => {
    s.path = [current(s)]
    return 'unlock source'
  },
  /** CommitLock.release; pack() returns */
  'unlock source': (_s, me) => {
    me.holds = NOTHING
    return 'done'
  },
  /** Temporary.discard: another pack was first */
  'discard temporary': (s, me) => {
    s.strays = s.strays.filter(each => each !== me.temporary)
    me.holdsTemporary = false
    me.temporary = NOTHING
    return 'done'
  },

  // ---- lib/store/temporary.ts, removeStrays: by writers and packers, at any time ----

  /** Disk.list, Disk.open */
  'find stray': (s, me) => {
    me.temporary = s.strays.at(-1) ?? NOTHING
    return me.temporary === NOTHING ? 'done' : 'try its lock'
  },
  'try its lock': (s, me, omit) => {
    if (omit.sweepsBlindly === true) return 'look at its name'
    if (current(s) === me.temporary) return 'look at its name'
    if (isLocked(s, me.temporary)) return 'close stray'
    me.holdsTemporary = true
    return 'look at its name'
  },
  'look at its name': (s, me) => (s.strays.includes(me.temporary) ? 'unlink stray' : 'close stray'),
  'unlink stray': (s, me) => {
    s.strays = s.strays.filter(each => each !== me.temporary)
    return 'close stray'
  },
  'close stray': (_s, me) => {
    me.holdsTemporary = false
    me.temporary = NOTHING
    return --me.left > 0 ? 'find stray' : 'done'
  },

  done: () => undefined,
}

const numbers = new Map(Object.keys(steps).map((name, n) => [name, n]))
const WRITING: ReadonlySet<StepName> = new Set(['end append', 'end superseded'])

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

/** The state after this process's next step; undefined: it cannot take it now. */
export function step(s: State, actor: number, omit: Omissions): State | undefined {
  const me = { ...s.actors[actor]! }
  const after = { ...s, actors: s.actors.with(actor, me) }
  const next = steps[me.at]!(after, me, omit)
  if (next === undefined) return undefined
  me.at = next
  if (next === 'done') leave(me)
  return after
}

/** The state after a SIGKILL: its locks are free, whatever it has written stays. */
export function kill(s: State, actor: number): State | undefined {
  const me = { ...s.actors[actor]! }
  if (s.kills === 0 || me.at === 'done' || me.kind === 'reader') return undefined
  leave(me)
  return { ...s, kills: s.kills - 1, actors: s.actors.with(actor, me) }
}

/** The end of a process, one way or the other. */
function leave(me: Actor): void {
  Object.assign(me, { at: 'done', inode: NOTHING, applied: 0, holds: NOTHING, source: NOTHING, temporary: NOTHING })
  Object.assign(me, { holdsTemporary: false, left: 0, commit: 0, confirmed: NOTHING })
}

/** The same for two states that differ only in which of several equal processes is which. */
export function keyOf(s: State): string {
  const open = new Set([...s.path, ...s.strays])
  for (const { inode, source, temporary } of s.actors) open.add(inode).add(source).add(temporary)
  const inodes = s.inodes.map((inode, n) => (open.has(n) ? keyOfInode(inode) : ''))
  const actors = Float64Array.from(s.actors, keyOfActor).sort()
  return `${actors.join('|')}/${inodes.join('|')}/${s.path.join()}/${s.strays.join()}/${s.acknowledged},${s.durable},${s.kills}${s.broken ?? ''}`
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
  let key = numbers.get(a.at)! * 8 + KINDS.indexOf(a.kind) * 2 + (a.holdsTemporary ? 1 : 0)
  key = ((key * 16 + a.inode + 1) * 16 + a.applied + 1) * 16 + a.holds + 1
  key = ((key * 16 + a.source + 1) * 16 + a.temporary + 1) * 16 + a.left
  return (key * 16 + a.commit) * 16 + a.confirmed + 1
}

/** What holds in every state; undefined: nothing is broken. */
export function brokenIn(s: State): string | undefined {
  if (s.broken !== undefined) return s.broken
  const atPath = file(s, current(s))
  const there = commitsIn(atPath)
  if (s.actors.every(each => each.holds === NOTHING)) {
    if ((s.acknowledged & ~there) !== 0) return 'an acknowledged commit is not in the file at the path'
    for (const { kind, inode, applied } of s.actors) {
      if (kind !== 'reader') continue
      if ((commitsIn(file(s, inode), applied) & ~there) !== 0) return 'a reader has seen a commit that is gone'
    }
  }
  // If the power were cut now: any name since the last sync of the directory, and what was synced of its file.
  for (const survivor of s.path) {
    const inode = file(s, survivor)
    if (!inode.whole) return 'a power cut could leave a file that is not whole'
    if ((s.durable & ~commitsIn(inode, inode.synced)) !== 0) return 'a power cut could take a durable commit'
  }
  return undefined
}

/** What holds when nobody can take another step. */
export function brokenAtEnd(s: State, omit: Omissions): string | undefined {
  if (s.actors.some(each => each.at !== 'done' && each.kind !== 'reader')) return 'somebody is stuck'
  for (const { kind, inode, applied } of s.actors) {
    if (kind !== 'reader') continue
    if ((s.acknowledged & ~commitsIn(file(s, inode), applied)) !== 0)
      return 'a reader never sees an acknowledged commit'
  }
  return canGoOn(s, omit) ? undefined : 'the next process cannot commit'
}

/** Whether a process that opens the file now gets a commit into it. */
function canGoOn(s: State, omit: Omissions): boolean {
  const writer = initialState({ writers: 1, commits: 1, packers: 0, sweepers: 0, readers: 0, kills: 0, durably: true })
    .actors[0]!
  let state: State = { ...s, durably: true, actors: [{ ...writer, inode: current(s) }] }
  for (;;) {
    const after = step(state, 0, omit)
    if (after === undefined) return state.actors[0]!.at === 'done' && state.broken === undefined
    state = after
  }
}
