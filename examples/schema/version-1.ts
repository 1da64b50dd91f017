// An address book, before its classes change: node dist/examples/schema/version-1.js book.db ada "Dean Street"
import { open, Persistent, PersistentMap } from 'perdure'

class Person extends Persistent {
  static type = 'Person'
  street = ''
  files: { name: string; bytes: number }[] = []
}

class Book extends Persistent {
  static type = 'Book'
  schema = 1 // for later versions: see version-2.ts
  people = new PersistentMap<string, Person>()
}

const [path = 'book.db', name = 'ada', street = ''] = process.argv.slice(2)
const db = open(path, { root: Book, classes: [Person] })
try {
  db.transact(book => {
    if (book.schema > 1) throw new Error('a newer program has changed this book: update this one')
    const person = new Person()
    person.street = street
    person.files.push({ name: 'photo', bytes: 1000 })
    book.people.set(name, person)
  })
  console.log(db.root.people.size)
} catch (error) {
  console.log(String(error))
}
db.close()
