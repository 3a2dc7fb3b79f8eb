package topics

import (
	"bytes"
	"reflect"
	"strings"
	"time"
)

// The encoder does not know the option omitzero: it writes a time that is not set as zeroTime. Those members are cut
// from the encoded bytes afterwards. Walking them beside the type's shape keeps a map that happens to hold the same
// key and text as it is.

const zeroTime = `"0001-01-01T00:00:00Z"`

// zeroTail is the end of zeroTime, and of any midnight. Its first letter is rare in records, so that it is found, or not, in a
// third of the time.
const zeroTail = `T00:00:00Z"`

// shape is what has to be known of a type: where its omitzero times are. nil: nowhere.
type shape struct {
	fields []shapeField // of an object whose type is a struct: only those that matter
	each   *shape       // of every member, where the type is a map
}

type shapeField struct {
	name  string
	times bool // an omitzero time
	inner *shape
}

// shapeOf finds a type's shape. A pointer, a slice and an array have that of their element. Types that contain
// themselves are not among the records.
func shapeOf(t reflect.Type) *shape {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return shapeOf(t.Elem())
	case reflect.Map:
		if each := shapeOf(t.Elem()); each != nil {
			return &shape{each: each}
		}
	case reflect.Struct:
		if fields := shapeFields(t); len(fields) != 0 {
			return &shape{fields: fields}
		}
	}
	return nil
}

func shapeFields(t reflect.Type) []shapeField {
	if t == reflect.TypeFor[time.Time]() {
		return nil
	}
	var fields []shapeField
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		if field.Anonymous && name == "" {
			if inner := shapeOf(field.Type); inner != nil {
				fields = append(fields, inner.fields...)
			}
			continue
		}
		if name == "" {
			name = field.Name
		}
		times := field.Type == reflect.TypeFor[time.Time]() && strings.Contains(","+options+",", ",omitzero,")
		if inner := shapeOf(field.Type); times || inner != nil {
			fields = append(fields, shapeField{name, times, inner})
		}
	}
	return fields
}

// recordShapes holds the shapes of the catalogue's records; it is never written again.
var recordShapes = func() map[reflect.Type]*shape {
	shapes := map[reflect.Type]*shape{}
	for _, topic := range Catalogue() {
		for _, value := range append(topic.Values, topic.Value) {
			if value != nil {
				t := reflect.TypeOf(value)
				shapes[t] = shapeOf(t)
				shapes[reflect.PointerTo(t)] = shapes[t]
			}
		}
	}
	return shapes
}()

// withoutZeroTimes cuts the members of v's encoded form whose time is not set. It changes data in place.
func withoutZeroTimes(data []byte, v any) []byte {
	midnights := bytes.Count(data, []byte(zeroTail))
	if midnights == 0 {
		return data
	}
	t := reflect.TypeOf(v)
	s, known := recordShapes[t]
	if !known {
		s = shapeOf(t)
	}
	if s == nil {
		return data
	}
	c := cutter{data: data, left: midnights}
	c.value(s)
	return append(c.data[:c.kept], data[c.done:]...)
}

// cutter walks compact, well-formed JSON. data[:kept] is what stays of data[:done].
type cutter struct {
	data       []byte
	at         int
	kept, done int
	left       int // occurrences of zeroTail that were not cut; where none is left, the walk ends where it is
}

func (c *cutter) value(s *shape) {
	switch c.data[c.at] {
	case '{':
		c.object(s)
	case '[':
		for c.at++; c.data[c.at] != ']'; {
			c.value(s)
			if c.left == 0 {
				return
			}
			if c.data[c.at] == ',' {
				c.at++
			}
		}
		c.at++
	case '"':
		c.at = endOfString(c.data, c.at) + 1
	default:
		for c.at < len(c.data) && c.data[c.at] != ',' && c.data[c.at] != '}' && c.data[c.at] != ']' {
			c.at++
		}
	}
}

func (c *cutter) object(s *shape) {
	members := 0 // that stay
	for c.at++; c.data[c.at] != '}'; {
		start := c.at
		c.at = endOfString(c.data, c.at) + 1
		times, inner := s.member(c.data[start+1 : c.at-1])
		c.at++ // the colon
		if times && bytes.HasPrefix(c.data[c.at:], []byte(zeroTime)) {
			c.at += len(zeroTime)
			c.cut(start, members > 0)
			if c.left--; c.left == 0 {
				return
			}
			continue
		}
		if c.value(inner); c.left == 0 {
			return
		}
		members++
		if c.data[c.at] == ',' {
			c.at++
		}
	}
	c.at++
}

// member is what is known of the member with that name.
func (s *shape) member(name []byte) (times bool, inner *shape) {
	if s == nil {
		return false, nil
	}
	for i := range s.fields {
		if s.fields[i].name == string(name) {
			return s.fields[i].times, s.fields[i].inner
		}
	}
	return false, s.each
}

// cut drops data[start:at] with the comma after it or, before the end of the object, the comma that was kept before it.
func (c *cutter) cut(start int, after bool) {
	c.kept += copy(c.data[c.kept:], c.data[c.done:start])
	if c.data[c.at] == ',' {
		c.at++
	} else if after {
		c.kept--
	}
	c.done = c.at
}
