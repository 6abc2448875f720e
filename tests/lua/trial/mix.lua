-- Families are drawn by weight, each in a group of its name, with the arguments of the iteration.
local drawn = { read = 0, write = 0 }
local mix = trial.mix {
    read = { weight = 40, run = function(_, session) drawn.read += session.by end },
    write = { weight = 60, run = function(_, session) drawn.write += session.by end },
}
for number = 1, 1000 do mix({ iteration = number }, { by = 1 }) end
expect("all were drawn", drawn.read + drawn.write == 1000)
expect("by weight", drawn.read > 320 and drawn.read < 480)
