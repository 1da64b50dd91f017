// A to-do list without any class: node dist/examples/todo.js todo.db add "write the spec" | done 1 | (nothing: the list)
import { open } from 'perdure'

const [path = 'todo.db', command, argument = ''] = process.argv.slice(2)
const db = open(path, { root: { todos: [] as { title: string; done: boolean }[] } })

if (command === 'add') {
  db.transact(root => root.todos.push({ title: argument, done: false }))
} else if (command === 'done') {
  db.transact(root => {
    const todo = root.todos[Number(argument) - 1]
    if (todo) todo.done = true
  })
}
db.root.todos.forEach(({ title, done }, n) => console.log(`${n + 1}. [${done ? 'x' : ' '}] ${title}`))
db.close()
