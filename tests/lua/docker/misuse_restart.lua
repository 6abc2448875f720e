-- A policy that there is not.
-- exit: 3
-- stderr: docker.run: option `restart`: there is no policy "allways"; did you mean "always"?
docker.run { image = "a", restart = "allways" }
