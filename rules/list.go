package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Match is how a list compares its entries with a field.
type Match string

const (
	MatchExact      Match = "exact"       // letter by letter
	MatchIgnoreCase Match = "ignore_case" // capital and small letters are the same
	MatchBINPrefix  Match = "bin_prefix"  // an entry of 4 to 8 digits matches every BIN that begins with it
	MatchPhone      Match = "phone"       // phone numbers, however they are written
	MatchNetwork    Match = "network"     // IP addresses and networks such as 203.0.113.0/24
)

const (
	minBINDigits = 4
	maxBINDigits = 8
)

// Entry is one value of a list.
type Entry struct {
	Value   string
	Expires time.Time // the entry counts before this moment; zero: for ever
	Reason  string
}

// List is a named set of values that rules look fields up in.
type List struct {
	Name    string
	Match   Match
	Entries []Entry // in the order of the file; index them with add
	// Editable says that entries may be added and removed while weir runs, FourEyes that another person must approve it.
	Editable, FourEyes bool

	fields   []Field                // that are looked up in it
	values   map[string]int64       // expiry by value in Unix nanoseconds, never where it does not expire
	networks map[netip.Prefix]int64 // MatchNetwork
	v4, v6   []int                  // MatchNetwork: prefix lengths that occur
	lengths  []int                  // MatchBINPrefix: lengths that occur
	longer   map[string]int64       // MatchBINPrefix: beginnings of longer entries, with the latest expiry
}

const never = int64(1<<63 - 1)

// expiryOf is an expiry in Unix nanoseconds; the zero time is never, and so is one that nanoseconds do not reach.
func expiryOf(t time.Time) int64 {
	if t.IsZero() || t.Unix() >= never/int64(time.Second) {
		return never
	}
	return max(t.Unix(), 0)*int64(time.Second) + int64(t.Nanosecond())
}

// prepare makes the list ready for add.
func (l *List) prepare() {
	l.values = make(map[string]int64, len(l.Entries))
	l.longer = make(map[string]int64)
	l.networks = make(map[netip.Prefix]int64)
}

// add takes one entry in, or those that a range stands for; the error says why it does not fit.
func (l *List) add(e Entry) error {
	if l.Match != MatchBINPrefix {
		return l.addOne(e)
	}
	all, err := binRanged(e)
	if err != nil {
		return err
	}
	for _, one := range all {
		if err := l.addOne(one); err != nil {
			return err
		}
	}
	return nil
}

func (l *List) addOne(e Entry) error {
	value, expires := e.Value, expiryOf(e.Expires)
	switch l.Match {
	case MatchNetwork:
		p, err := parseNetwork(value)
		if err != nil {
			return err
		}
		if _, ok := l.networks[p]; ok {
			return &hinted{fmt.Sprintf("%q is in the list twice", value), "leave one of them out"}
		}
		l.networks[p] = expires
		l.Entries = append(l.Entries, e)
		if p.Addr().Is4() {
			l.v4 = withLength(l.v4, p.Bits())
		} else {
			l.v6 = withLength(l.v6, p.Bits())
		}
		return nil
	case MatchBINPrefix:
		if err := fitsBIN(value); err != nil {
			return err
		}
		l.lengths = withLength(l.lengths, len(value))
		for n := minBINDigits; n < len(value); n++ {
			l.longer[value[:n]] = max(l.longer[value[:n]], expires)
		}
	default:
		value = l.Match.form(value)
	}
	if _, ok := l.values[value]; ok {
		return &hinted{fmt.Sprintf("%q is in the list twice", e.Value), "leave one of them out"}
	}
	l.values[value] = expires
	l.Entries = append(l.Entries, e)
	return nil
}

func fitsBIN(value string) error {
	if len(value) < minBINDigits || len(value) > maxBINDigits || strings.Trim(value, "0123456789") != "" {
		return &hinted{fmt.Sprintf("%q is not %d to %d digits", value, minBINDigits, maxBINDigits), "write the first digits of the card number alone, such as \"411111\""}
	}
	return nil
}

func parseNetwork(value string) (netip.Prefix, error) {
	if !strings.Contains(value, "/") {
		a, err := netip.ParseAddr(value)
		if err != nil {
			return netip.Prefix{}, &hinted{fmt.Sprintf("%q is neither an IP address nor a network", value), "write an address as 203.0.113.7, a network as 203.0.113.0/24"}
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(value)
	if err != nil {
		return netip.Prefix{}, &hinted{fmt.Sprintf("%q is neither an IP address nor a network", value), "write an address as 203.0.113.7, a network as 203.0.113.0/24"}
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 { // addresses are compared in their own form
		own := netip.PrefixFrom(a.Unmap(), p.Bits()-96).Masked()
		return netip.Prefix{}, &hinted{fmt.Sprintf("%q writes an IPv4 network as one of IPv6", value), fmt.Sprintf("write it as %s", own)}
	}
	if p != p.Masked() {
		return netip.Prefix{}, &hinted{fmt.Sprintf("%q names an address inside a network", value), fmt.Sprintf("write the network as %s", p.Masked())}
	}
	return p, nil
}

func withLength(lengths []int, n int) []int {
	for _, have := range lengths {
		if have == n {
			return lengths
		}
	}
	return append(lengths, n)
}

// lookUp says whether a value is in the list at a moment (Unix nanoseconds); absent means that it cannot be told.
func (l *List) lookUp(value string, now int64) truth {
	switch l.Match {
	case MatchNetwork:
		return l.lookUpAddress(value, now)
	case MatchBINPrefix:
		for _, n := range l.lengths {
			if len(value) >= n && l.values[value[:n]] > now {
				return yes
			}
		}
		if l.longer[value] > now {
			return absent
		}
		return no
	}
	value = l.Match.form(value)
	return truthOf(l.values[value] > now)
}

func (l *List) lookUpAddress(value string, now int64) truth {
	a, err := netip.ParseAddr(value)
	if err != nil {
		return absent
	}
	a = a.Unmap().WithZone("")
	for _, n := range l.lengthsFor(a) {
		if p, err := a.Prefix(n); err == nil && l.networks[p] > now {
			return yes
		}
	}
	return no
}

func (l *List) lengthsFor(a netip.Addr) []int {
	if a.Is4() {
		return l.v4
	}
	return l.v6
}

// lacks says what a value that lookUp cannot tell of lacks.
func (l *List) lacks() string {
	if l.Match == MatchNetwork {
		return "context.ip as an address"
	}
	return fmt.Sprintf("card.bin with all digits that list %q needs", l.Name)
}
