// Classes that several tests store.
import { Persistent } from '../../../lib/index.js'

export class Item extends Persistent {
  static type = 'Item'
  n = 0
  name = ''
  tags: string[] = []
  next: Item | null = null
}
