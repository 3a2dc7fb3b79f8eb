package behaviour

import "fmt"

// Customers is the behaviour of many customers, each stored as bytes: a few hundred of them, where a Profile in memory takes
// several thousand. It is not safe for concurrent use.
type Customers struct {
	config  Config
	all     map[string][]byte
	profile Profile // that is read or written
	room    []byte
}

// NewCustomers returns the behaviour of nobody.
func NewCustomers(config Config) (*Customers, error) {
	if err := config.Check(); err != nil {
		return nil, fmt.Errorf("behaviour: %w", err)
	}
	return &Customers{config: config, all: map[string][]byte{}}, nil
}

// Add folds an event of a customer and returns the profile with it, which is valid until the next call.
func (c *Customers) Add(id string, e *Event) (*Profile, error) {
	if err := c.profile.Decode(c.stored(id)); err != nil {
		return nil, fmt.Errorf("customer %s: %w", id, err)
	}
	if err := c.profile.Add(&c.config, e); err != nil {
		return nil, fmt.Errorf("customer %s: %w", id, err)
	}
	c.room = c.profile.Append(c.room[:0])
	if had := c.all[id]; cap(had) >= len(c.room) {
		c.all[id] = append(had[:0], c.room...)
	} else {
		c.all[id] = append([]byte(nil), c.room...)
	}
	return &c.profile, nil
}

// Stored is a customer's profile as it is kept in a row; nil where nothing is known. It is valid until the customer's next
// event.
func (c *Customers) Stored(id string) []byte { return c.all[id] }

// Load takes a customer's profile from what Stored gave.
func (c *Customers) Load(id string, stored []byte) error {
	if err := c.profile.Decode(stored); err != nil {
		return fmt.Errorf("customer %s: %w", id, err)
	}
	c.all[id] = append([]byte(nil), stored...)
	return nil
}

// Forget drops a customer's profile from memory.
func (c *Customers) Forget(id string) { delete(c.all, id) }

// Len is how many customers are held.
func (c *Customers) Len() int { return len(c.all) }

func (c *Customers) stored(id string) []byte {
	if b, ok := c.all[id]; ok {
		return b
	}
	return empty
}

// empty is the zero profile.
var empty = new(Profile).Append(nil)
