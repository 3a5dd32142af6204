# Writes OUTPUT from MANIFEST, @SHA256@ being that of LIBRARY.
file(SHA256 ${LIBRARY} SHA256)
file(READ ${MANIFEST} text)
string(REPLACE "@SHA256@" "${SHA256}" text "${text}")
file(WRITE ${OUTPUT} "${text}")
