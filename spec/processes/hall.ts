// The root object of the tests of collections that several processes use.
import { Persistent, PersistentCounter, PersistentList, PersistentMap, PersistentQueue } from 'perdure'

export class Hall extends Persistent {
  static type = 'Hall'
  names = new PersistentMap<string, { n: number }>()
  lines = new PersistentList<string>()
  jobs = new PersistentQueue<string>()
  done = new PersistentCounter()
}
