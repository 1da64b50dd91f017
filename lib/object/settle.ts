// What a commit means for the objects of a session, once the file has it: nothing that fails from then on may say otherwise. An object
// that cannot settle is read anew.
import type { CommitResult } from '../store/store-options.js'
import { copyOf, type Offset, type Oid, type Tid } from '../store/types.js'
import { settleMerged } from './class-merge.js'
import { settleLayouts } from './layout.js'
import type { Encoded, EncodedState } from './encoding.js'
import { Header } from './header.js'
import { compareSources, takeSamples, type Sample } from './kept-sources.js'
import { warnIfLarge } from './large-record.js'
import { giveOid, type Recordable } from './recordable.js'
import type { Session } from './session.js'

/** What is stored in place of objects whose class has merged the changes. */
export type StandIns = Map<Header, Header>

export function settle(
  session: Session,
  { headers, states, shapes, newObjects }: Encoded,
  standIns: StandIns,
  { snapshot, firstOid, offsets }: Extract<CommitResult, { outcome: 'committed' }>,
): void {
  session.moveTo(snapshot)
  const { tid, generation } = snapshot
  for (const { shape, number } of shapes) session.shapes.stored(shape, (firstOid - 1 - number) as Oid)
  for (const header of newObjects) {
    giveOid(header, (firstOid - 1 - header.number) as Oid)
    if (!(header instanceof Header)) continue
    header.scope = session
    session.cache.keep(header)
  }
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Recordable
    const state = states[i] as EncodedState
    const offset = offsets[i] as Offset
    if (header instanceof Header) {
      header.at = offset
      header.tid = tid
      header.generation = generation.number
      header.shape = state.form
      header.changed = false
    }
    if (!header.readByParts) continue
    try {
      keepWritten(session, { header, state, offset, tid, firstOid })
    } catch {
      // then it is read back
    }
  }
  const noted: Sample[] = []
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Recordable
    if (!(header instanceof Header)) continue
    try {
      settleLayouts(states[i] as EncodedState, tid)
      for (const sample of takeSamples(header)) noted.push(sample)
      header.settled()
    } catch {
      session.half.push(header)
    }
  }
  for (const [header, standIn] of standIns) {
    try {
      for (const sample of takeSamples(header)) noted.push(sample)
      settleMerged(header, standIn)
    } catch {
      session.half.push(header)
    }
  }
  session.nothingChanged()
  warn(() => {
    headers.forEach((header, i) => {
      const { from, to } = states[i] as EncodedState
      warnIfLarge(header, to - from)
    })
  })
  // Not before all of them know what was handed out of them: the budget may let go of any.
  try {
    keepLoaded(session, headers, states)
    session.end()
  } catch {
    // what is not let go of now is later
  }
  warn(() => {
    compareSources(noted)
  })
}

/** Records that are read by parts need not be read back from the file. */
function keepWritten(
  { view }: Session,
  {
    header,
    state,
    offset,
    tid,
    firstOid,
  }: {
    readonly header: Recordable
    readonly state: EncodedState
    readonly offset: Offset
    readonly tid: Tid
    readonly firstOid: Oid
  },
): void {
  const bytes = copyOf(state)
  const refs = state.refs.map(ref => (ref < 0 ? firstOid - 1 - ref : ref) as Oid)
  const taken = view.take({
    oid: header.oid,
    shape: state.form.oid,
    tid,
    previous: 0 as Offset,
    refs,
    state: bytes,
    bytes,
    from: 0,
    to: bytes.length,
    offset,
    length: bytes.length + 3 * refs.length,
  })
  taken.made ??= header.made(taken)
}

/** Looking at what is stored and at what the program keeps may fail, and run code of the program: then the next commit of the kind warns. */
function warn(look: () => void): void {
  try {
    look()
  } catch {
    // see above
  }
}

function keepLoaded({ budget, cache, serial }: Session, headers: Encoded['headers'], states: Encoded['states']): void {
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i] as Recordable
    if (!(header instanceof Header)) continue
    const { from, to, laid } = states[i] as EncodedState
    // One that stands in for another is not.
    if (header.held || cache.get(header.oid) === header) budget.took(header, to - from, serial, laid !== undefined)
  }
}
