import t from 'tap'

t.test('parent', async (t) => {
  t.equal(1, 1, 'one')
  t.test('sub', async (t) => { t.equal(1, 1) })
})
