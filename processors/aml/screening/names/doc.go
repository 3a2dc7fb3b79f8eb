// Package names compares names as people and companies are screened: normalised, transliterated, word by word and whatever
// the order, with how rare each word is. It is pure and deterministic: integers only, no clock, no state.
//
// A name becomes words (Parse): accents and punctuation go, Cyrillic, Greek, Armenian, Georgian, Arabic and Hebrew letters become Latin ones, and
// each word is of a class: legal forms, titles and particles say little. Other scripts stay as they are, and match themselves
// alone: there is no reading of Chinese, Japanese, Korean, Thai or Indian letters here. Arabic and Hebrew leave vowels out, so
// such a word is compared by its consonants.
//
// Two words are alike (Likeness) where they are the same, sound the same in some romanisation, differ by few letters, or one
// is the other's initial. Two names are compared (Compare) by the best pairs of their words, each weighed by how rare it is.
//
// N1: Compare(a, b) and Compare(b, a) have the same score. N2: the order of words does not matter. N3: Parse of what Parse
// wrote yields the same words. N4: any bytes are taken, and work is bounded: MaxBytes of a name, MaxWords of its words.
package names
