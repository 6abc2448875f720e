expect(json.encode { a = 1 } == '{"a":1}', "an object")
expect(json.encode { 1, 2 } == "[1,2]", "a list")
expect(json.encode {} == "{}", "an empty table is an object")
expect(json.encode(json.array {}) == "[]", "unless it is marked")
expect(json.encode(json.array()) == "[]", "array without argument")
expect(json.encode { x = json.null } == '{"x":null}', "null")
expect(string.find(json.encode({ a = 1 }, { pretty = true }), '\n  "a": 1'), "pretty")

local value = json.decode '{"n":1.5,"list":[true,null],"big":9007199254740993}'
expect(value.n == 1.5 and value.list[1] == true and value.list[2] == json.null, "decode")
expect(value.big == "9007199254740993", "numbers that would lose digits stay text")
expect(json.encode(json.decode "[]") == "[]", "an empty list stays a list")

expect(json.path('{"items":[{"id":4},{"id":5}]}', "$.items[1].id") == 5, "a path")
expect(json.path({ items = { { id = 4 } } }, "items[0].id") == 4, "in a table")
local ids = json.path('{"items":[{"id":4},{"id":5}]}', "$.items[*].id")
expect(#ids == 2 and ids[2] == 5, "several")

local ok, problem = pcall(json.decode, "{")
expect(not ok and string.find(problem, "JSON", 1, true), problem)
ok, problem = pcall(json.encode, { f = print })
expect(not ok and string.find(problem, "function", 1, true), problem)
