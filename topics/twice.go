package topics

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/segmentio/encoding/json"
)

// UnmarshalOnce is Unmarshal of what others wrote: it also refuses a field that is given twice, at any depth and known or not. The
// decoder would take the last value; whoever approved the record on its way may have looked at the first.
func UnmarshalOnce(data []byte, v any) error {
	if err := Unmarshal(data, v); err != nil {
		return err
	}
	if path, twice := givenTwice(data); twice {
		return &DecodeError{Field: fieldName(path), Twice: true}
	}
	return nil
}

// fewNames is up to how many names of an object are compared with each other rather than hashed.
const fewNames = 32

// member is a field of the object that begins at a byte.
type member struct {
	object int
	name   string
}

// givenTwice is the path to the first field that an object of a well-formed JSON value gives twice; found is false where none
// does. It allocates nothing for objects of few fields whose names need no escapes.
func givenTwice(data []byte) (path string, found bool) {
	var room [2 * fewNames][]byte
	names := room[:0] // of the objects that are open, the outermost first
	var open [MaxDepth + 1]struct {
		at, names, element int // where it begins, how many names were open then, and the element of an array that is read
	}
	var many map[member]bool // the names of objects that have more than a few
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			depth++
			open[depth].at, open[depth].names, open[depth].element = i, len(names), 0
		case '}', ']':
			names = names[:open[depth].names]
			depth--
		case ',':
			open[depth].element++
		case '"':
			start := i + 1
			i = endOfString(data, i)
			if !beforeColon(data[i+1:]) {
				continue
			}
			name := unescaped(data[start:i])
			siblings, twice := names[open[depth].names:], false
			switch {
			case len(siblings) < fewNames:
				for _, other := range siblings {
					twice = twice || bytes.Equal(other, name)
				}
			case len(siblings) == fewNames:
				if many == nil {
					many = map[member]bool{}
				}
				for _, other := range siblings {
					many[member{open[depth].at, string(other)}] = true
				}
				fallthrough
			default:
				key := member{open[depth].at, string(name)}
				twice = many[key]
				many[key] = true
			}
			if names = append(names, name); !twice {
				continue
			}
			var steps []string
			for d := 1; d < depth; d++ {
				if data[open[d].at] == '[' {
					steps = append(steps, strconv.Itoa(open[d].element))
				} else {
					steps = append(steps, string(names[open[d+1].names-1]))
				}
			}
			return strings.Join(append(steps, string(name)), "."), true
		}
	}
	return "", false
}

// beforeColon says whether a string that ends here is the name of a field.
func beforeColon(rest []byte) bool {
	for _, c := range rest {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == ':'
		}
	}
	return false
}

// unescaped is the name that stands between quotes.
func unescaped(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	var text string
	if json.Unmarshal(append(append([]byte{'"'}, name...), '"'), &text) != nil {
		return name
	}
	return []byte(text)
}
