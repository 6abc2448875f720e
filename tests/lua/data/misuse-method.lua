-- exit: 3
-- stderr: rows have no `nxt`; did you mean `next`?
data.lines("words.txt"):nxt()
