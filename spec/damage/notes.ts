// A root that counts the notes it has, each about a kilobyte: a state that shows at once when something is missing.
import { Persistent } from '../../lib/object/persistent.js'

export class Note extends Persistent {
  static readonly type = 'Note'
  text = ''
}

export class Root extends Persistent {
  static readonly type = 'Root'
  count = 0
  notes: Note[] = []
}

export const ROOT = { root: Root, classes: [Note] } as const

export function textOf(n: number): string {
  return `note ${n} `.repeat(128)
}

export function addNote(root: Root): void {
  const note = new Note()
  note.text = textOf(root.count)
  root.notes.push(note)
  root.count++
}

/** Throws unless every note is there and whole. */
export function checkNotes({ count, notes }: Root): void {
  if (notes.length !== count) throw new Error(`${notes.length} notes, and ${count} were counted`)
  notes.forEach((note, n) => {
    if (note.text !== textOf(n)) throw new Error(`note ${n} is wrong`)
  })
}
