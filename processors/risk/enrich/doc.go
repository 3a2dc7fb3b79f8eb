// Package enrich finds out what data files say of a command: the network and the country of its IP address, and the BIN of
// its card.
//
// Files are read whole, checked whole and only then used, so that a lookup cannot meet a broken place. A file that changes
// is read again while weir runs. One that cannot be read, is broken, empty or less than half of the one in use never
// replaces that: the last good one stays, and the log, the metric weir_risk_data_file_broken and /readyz say why. Without a
// file that was ever good, what it would say is missing, and the rules' on_missing decides.
package enrich
