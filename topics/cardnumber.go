package topics

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// A card number is recognised by this rule:
//
//   - a run of 13 to 19 digits that no letter and no other digit touches,
//   - or groups of digits in the shapes that cards are printed in (groups of four with a last one of one to four;
//     4-6-4, 4-6-5, 4-3-3-3, 6-13), with one to three spaces, dashes, points, slashes, colons, underscores or characters of no width between them
//     (6-13 not with the last three, with which people join a number and a time to an id),
//   - whose first digit is 2 to 6, or which begins with 81, 82 or 9792 and has 16 digits,
//   - and whose last digit is its Luhn check digit.
//
// JSON escapes are read as what they stand for, digits of other scripts that keyboards write (full-width, Arabic, Devanagari)
// as digits. The digits after the point of a decimal number do not count. Letters
// touch, so UUIDs, hex ids and our own ids do not match, and groups of an IPv6 address do not count; times in milliseconds to nanoseconds since 1970 begin with 1
// until 2033. A decimal id of 13 to 19 digits that begins with 2 to 6 matches in one case of ten: give it a prefix.

const (
	minCardDigits = 13
	maxCardDigits = 19
	maxCardGroups = 5
	maxSeparators = 3
)

// FindCardNumber tells whether data, JSON or any text, holds a raw card number.
func FindCardNumber(data []byte) bool {
	var s cardScanner
	s.data = data
	_, found := s.next()
	return found
}

// MaskCardNumbers replaces the digits of each card number, but for the last four, by "*". It returns data itself where
// there is none, and otherwise a copy. A JSON number that is masked is no longer JSON.
func MaskCardNumbers(data []byte) (masked []byte, found bool) {
	// Digits that stay may begin another number, which the next pass masks; each pass masks at least nine digits.
	for {
		once, again := maskOnce(data)
		if !again {
			return data, found
		}
		data, found = once, true
	}
}

func maskOnce(data []byte) (masked []byte, found bool) {
	s := cardScanner{data: data}
	done := 0
	for {
		number, ok := s.next()
		if !ok {
			break
		}
		masked = append(masked, data[done:number.start]...)
		masked = appendMasked(masked, data[number.start:number.end], number.digits-4)
		done, found = number.end, true
	}
	return append(masked, data[done:]...), found
}

func appendMasked(dst, text []byte, hide int) []byte {
	for at := 0; at < len(text); {
		c, _, size := readChar(text, at)
		if c == charDigit && hide > 0 {
			dst = append(dst, '*')
			hide--
		} else {
			dst = append(dst, text[at:at+size]...)
		}
		at += size
	}
	return dst
}

type charClass uint8

const (
	charOther charClass = iota
	charDigit
	charLetter
	charSeparator
	charPoint // a separator, unless it is the point of a decimal number
	charMark  // a separator of cards and of ids: a slash or an underscore
	charColon // and of IPv6 addresses
)

// readChar classifies the character at data[at], a JSON escape included; size is how many bytes it takes.
func readChar(data []byte, at int) (class charClass, digit byte, size int) {
	c := data[at]
	switch {
	case c == '\\' && at+1 < len(data):
		return readEscape(data, at)
	case c < utf8.RuneSelf:
		return asciiClasses[c], c - '0', 1
	}
	r, size := utf8.DecodeRune(data[at:])
	return classOf(r), digitOf(r), size
}

func readEscape(data []byte, at int) (class charClass, digit byte, size int) {
	switch data[at+1] {
	case 'u':
		if r, ok := hex4(data[at+2:]); ok {
			return classOf(r), digitOf(r), 6
		}
	case '/':
		return charMark, 0, 2
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return charOther, 0, 2
	}
	return charOther, 0, 1
}

func hex4(data []byte) (r rune, ok bool) {
	if len(data) < 4 {
		return 0, false
	}
	for _, c := range data[:4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

var asciiClasses = func() (classes [utf8.RuneSelf]charClass) {
	for c := range classes {
		classes[c] = classOf(rune(c))
	}
	return classes
}()

// digitOf is the value of a digit, above 9 for any other character.
func digitOf(r rune) byte {
	for _, zero := range [...]rune{'0', 0x660, 0x6F0, 0x966, 0xFF10} { // ASCII, Arabic, Eastern Arabic, Devanagari, full-width
		if zero <= r && r <= zero+9 {
			return byte(r - zero)
		}
	}
	return 0xFF
}

func classOf(r rune) charClass {
	switch {
	case digitOf(r) <= 9:
		return charDigit
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
		return charLetter
	case r == '.':
		return charPoint
	case r == '/', r == '_', r == 0xFF0F, r == 0xFF3F:
		return charMark
	case r == ':', r == 0xFF1A:
		return charColon
	case r == ' ', r == '-',
		r == 0xA0, r == 0x2007, r == 0x2009, r == 0x202F, r == 0x3000, // spaces that do not break, are narrow or full-width
		0x2010 <= r && r <= 0x2015, r == 0x2212, r == 0xFF0D, // hyphens, dashes, minus
		r == 0xAD, 0x200B <= r && r <= 0x200D, r == 0x2060, r == 0xFEFF: // nobody sees these
		return charSeparator
	}
	return charOther
}

// cardNumber is where a card number stands in the scanned bytes.
type cardNumber struct{ start, end, digits int }

type digitGroup struct {
	start, end int
	n          int
	after      dividers
	digits     [maxCardDigits]byte
}

// dividers are what stands between a group and the one before it.
type dividers struct{ mark, colon bool }

// cardScanner walks data once. groups are the latest groups of digits that separators alone divide.
type cardScanner struct {
	data       []byte
	at         int
	touched    bool // the character before at is a letter
	pointed    bool // the separator before at is one point with a digit before it
	groups     [maxCardGroups]digitGroup
	held       int
	separators int
	dividers   dividers
}

// next finds the next card number; ok is false at the end.
func (s *cardScanner) next() (number cardNumber, ok bool) {
	for s.at < len(s.data) {
		if c := s.data[s.at]; s.held == 0 && c < utf8.RuneSelf && c != '\\' {
			if class := asciiClasses[c]; class != charDigit { // most of a record is words
				s.touched, s.pointed = class == charLetter, false
				s.at++
				continue
			}
		}
		class, _, size := readChar(s.data, s.at)
		switch class {
		case charDigit:
			if number, ok = s.group(); ok {
				s.held = 0
				return number, true
			}
			continue
		case charLetter:
			s.held, s.touched, s.pointed = 0, true, false
		case charSeparator, charPoint, charMark, charColon:
			s.separators++
			s.dividers.mark = s.dividers.mark || class == charMark
			s.dividers.colon = s.dividers.colon || class == charColon
			s.pointed = class == charPoint && s.separators == 1 && !s.touched && s.held > 0
			s.touched = false
			if s.separators > maxSeparators {
				s.held = 0
			}
		default:
			s.held, s.touched, s.pointed = 0, false, false
		}
		s.at += size
	}
	return cardNumber{}, false
}

// group reads the digits at s.at and tells whether they end a card number.
func (s *cardScanner) group() (cardNumber, bool) {
	if s.held == maxCardGroups {
		copy(s.groups[:], s.groups[1:])
		s.held--
	}
	g := &s.groups[s.held]
	g.start, g.n, g.after = s.at, 0, s.dividers
	touched, pointed := s.touched, s.pointed
	for s.at < len(s.data) {
		class, digit, size := readChar(s.data, s.at)
		if class != charDigit {
			touched = touched || class == charLetter
			break
		}
		if g.n < maxCardDigits {
			g.digits[g.n] = digit
		}
		g.n++
		s.at += size
	}
	g.end = s.at
	s.separators, s.dividers, s.touched, s.pointed = 0, dividers{}, false, false
	if touched || g.n > maxCardDigits {
		s.held = 0
		return cardNumber{}, false
	}
	s.held++
	if g.n >= minCardDigits && !pointed && isCardNumber(s.groups[s.held-1:s.held]) {
		return cardNumber{g.start, g.end, g.n}, true
	}
	for from := s.held - 2; from >= 0; from-- {
		groups := s.groups[from:s.held]
		if printedShape(groups) && isCardNumber(groups) && !s.ofAddress(groups) {
			return cardNumber{groups[0].start, g.end, countDigits(groups)}, true
		}
	}
	return cardNumber{}, false
}

// ofAddress tells whether groups that colons divide are of an IPv6 address.
func (s *cardScanner) ofAddress(groups []digitGroup) bool {
	for i := range groups[1:] {
		if groups[i+1].after.colon && isAddress(s.data, groups[i].start) {
			return true
		}
	}
	return false
}

// isAddress tells whether data[at] stands in an IPv6 address.
func isAddress(data []byte, at int) bool {
	start, end := at, at
	for start > 0 && inAddress(data[start-1]) {
		start--
	}
	for end < len(data) && inAddress(data[end]) {
		end++
	}
	text := string(data[start:end])
	if strings.HasPrefix(text, ":") && !strings.HasPrefix(text, "::") {
		text = text[1:] // what the address is of stands before it
	}
	_, err := netip.ParseAddr(text)
	return err == nil
}

func inAddress(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' || c == ':'
}

func countDigits(groups []digitGroup) int {
	n := 0
	for i := range groups {
		n += groups[i].n
	}
	return n
}

// printedShape tells whether the groups have lengths in which cards are printed.
func printedShape(groups []digitGroup) bool {
	last := groups[len(groups)-1].n
	switch len(groups) {
	case 2:
		return groups[0].n == 6 && last == 13 && groups[1].after == (dividers{})
	case 3:
		return groups[0].n == 4 && groups[1].n == 6 && (last == 4 || last == 5)
	case 4:
		if groups[0].n == 4 && groups[1].n == 3 && groups[2].n == 3 && last == 3 {
			return true
		}
	}
	for i := range groups[:len(groups)-1] {
		if groups[i].n != 4 {
			return false
		}
	}
	n := countDigits(groups)
	return last <= 4 && n >= minCardDigits && n <= maxCardDigits
}

func isCardNumber(groups []digitGroup) bool {
	var digits [maxCardDigits]byte
	n := 0
	for i := range groups {
		n += copy(digits[n:], groups[i].digits[:groups[i].n])
	}
	return plausibleIssuer(digits[:n]) && luhn(digits[:n])
}

func plausibleIssuer(digits []byte) bool {
	switch digits[0] {
	case 2, 3, 4, 5, 6:
		return true
	case 8:
		return len(digits) == 16 && (digits[1] == 1 || digits[1] == 2)
	case 9:
		return len(digits) == 16 && digits[1] == 7 && digits[2] == 9 && digits[3] == 2
	}
	return false
}

// luhn checks ISO/IEC 7812-1 annex B.
func luhn(digits []byte) bool {
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i])
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return sum%10 == 0
}
