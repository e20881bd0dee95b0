"""Names of which a program's source says enough: what they call, and what they give away."""

from conlab.explorer.stepping.opcodes import names

# Builtin functions that touch nothing, whatever they are given.
PURE = names("range isinstance issubclass type id callable super object")
# Those that touch nothing if they are given numbers and strings.
OF_SCALARS = names("int float str bool abs round ord chr repr len hash min max divmod")
# Those that give a number, a string or a truth value.
SCALAR_RESULTS = names("int float str bool round ord chr repr len hash id isinstance")
# What can bind an attribute, or a global, without naming it in the source.
REFLECTS_ATTRIBUTES = names(
    "setattr delattr vars __dict__ __setattr__ __delattr__ __class__ exec eval ctypes",
)
REFLECTS_GLOBALS = names("globals locals exec eval __globals__ modules import_module")
