// Package lists reads sanctions and PEP lists in the formats in which they are published, and keeps those in force.
//
// A list is read whole or not at all: what is cut off, empty, oversized or not text is an error that names file and line
// (Load). What comes in the place of a list in force is held against it (Check): one that has lost many of its entries, or was
// published earlier, is refused unless told otherwise. Lists are swapped in one step, and a load that fails leaves the last
// good one in force, whose age is told (Book).
package lists
