// The root object of the tests of collections that several processes use.
import { Persistent, PersistentCounter, PersistentMap, PersistentQueue } from '../../lib/index.js'

export class Hall extends Persistent {
  static type = 'Hall'
  names = new PersistentMap<string, { n: number }>()
  jobs = new PersistentQueue<string>()
  done = new PersistentCounter()
}
