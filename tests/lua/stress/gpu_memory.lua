-- Where there is no GPU, that is a precondition.
-- exit: 4
-- stderr: stress.gpu_memory: there is
inject(stress.gpu_memory { share = "90%" })
