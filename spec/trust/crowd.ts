// What many processes at once work on.
import { Persistent, PersistentMap } from 'perdure'

export class Note extends Persistent {
  static type = 'Note'
  text = ''
}

export class Crowd extends Persistent {
  static type = 'Crowd'
  counter = 0
  notes = new PersistentMap<string, Note>()
  /** Makes the file larger; in a record of its own. */
  padding = new PersistentMap<string, Uint8Array>()
}

export const crowdOptions = { root: Crowd, classes: [Note] } as const
