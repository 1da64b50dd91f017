// What processes do, in steps between which anybody else may act or die. Every step names the code that it mirrors.
import {
  change,
  commitsIn,
  current,
  file,
  isLocked,
  NOTHING,
  SUPERSEDED,
  TORN,
  type Actor,
  type Frame,
  type State,
  type StepName,
} from './model-state.js'

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
  // ---- lib/store/current-file.ts, catchUp: by everybody, without the lock ----

  /** LogReader.advance */
  'catch up': (s, me, omit) => {
    const passes = me.kind === 'reader' && omit.readerPassesSuperseded === true
    return advance(s, me, passes) === 'superseded' ? 'look at the path' : caughtUp(me)
  },
  /** CurrentFile.isAtPath */
  'look at the path': (s, me) => (current(s) === me.inode ? caughtUp(me) : 'go over'),
  /** CurrentFile.#goOver: whatever stands at the path now is read from its beginning. */
  'go over': (s, me) => {
    me.inode = current(s)
    me.applied = 0
    return 'catch up'
  },

  // ---- lib/store/committer.ts, commit; lib/store/write-gate.ts, runAsync ----

  /** CommitLock.take, CommitLock.with */
  lock: (s, me) => {
    if (me.kind === 'writer' && me.left === 0) return 'done'
    if (me.holds === NOTHING) {
      if (isLocked(s, me.inode)) return undefined
      me.holds = me.inode
    }
    return 'tail'
  },
  /** tailUnderLock */
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
  /** CurrentFile.isAtPath with the lock held, then LogReader.passSuperseded: the packer has died */
  'look under lock': (s, me, omit) => {
    if (current(s) !== me.inode)
      return omit.writerKeepsOldLock === true && me.kind === 'writer' ? 'go over' : 'unlock and go over'
    if (omit.supersededIsFinal === true) return undefined
    me.applied++
    return 'tail'
  },
  /** CommitLock.release, then CurrentFile.catchUp */
  'unlock and go over': (_s, me) => {
    me.holds = NOTHING
    return 'catch up'
  },

  // ---- lib/store/committer.ts, #append ----

  /** touchedSince, LogWriter.append */
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
  /** PathWatch.lookAfterSync; makeDurable() returns */
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

const WRITING: ReadonlySet<StepName> = new Set(['end append', 'end superseded'])

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
