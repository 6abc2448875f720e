-- exit: 3
-- stderr: data.csv: cannot find "no-such.csv"; paths are relative to the script
data.csv("no-such.csv")
