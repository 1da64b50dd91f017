// The same book, once its classes have changed: an array became a map, and a class two. node dist/examples/schema/version-2.js book.db
import { open, Persistent, PersistentMap } from 'perdure'

class Address extends Persistent {
  static type = 'Address'
  street = ''
}

interface File {
  name: string
  bytes: number
}

class Person extends Persistent {
  static type = 'Person'
  static version = 2
  static defaults = { language: 'en' }
  language = 'en'
  address = new Address()
  files = new PersistentMap<string, File>()
  declare old?: { street: string; files: File[] }

  static upgrade(state: Record<string, unknown>) {
    state.old = { street: state.street, files: state.files } // no object can be made here
    delete state.street
    delete state.files
  }

  finishUpgrade() {
    if (!this.old) return
    this.address = Object.assign(new Address(), { street: this.old.street })
    this.files = new PersistentMap(this.old.files.map(file => [file.name, file]))
    delete this.old
  }
}

class Book extends Persistent {
  static type = 'Book'
  schema = 2
  people = new PersistentMap<string, Person>()
}

const db = open(process.argv[2] ?? 'book.db', { root: Book, classes: [Person, Address] })

db.transact(function migrate(book) {
  if (book.schema === 2) return
  for (const person of book.people.values()) person.finishUpgrade()
  book.schema = 2
})

for (const [name, { address, files, language }] of db.root.people)
  console.log(name, address.street, files.get('photo')?.bytes, language)
db.close()
