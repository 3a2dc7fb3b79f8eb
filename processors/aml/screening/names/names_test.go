package names

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"Volkonsky, Sergei":            "volkonsky sergei",
		"  Jürgen   MÜLLER-Westhoff ":  "jurgen muller westhoff",
		"O'Brien / O’Brien":            "obrien obrien",
		"Søren Kjærgaard":              "soren kjaergaard",
		"Łukasz Straße":                "lukasz strasse",
		"Сергей Волконский":            "sergei volkonskii",
		"Щербаков Юлий":                "shcherbakov yulii",
		"Διονύσιος":                    "dionysios",
		"عبد الرحمن القريشي":           "abd al rhmn al qryshy",
		"עבד רחמן":                     "abd rhmn",
		"Abdulrahman":                  "abd al rahman",
		"Abdel-Rahman":                 "abd al rahman",
		"Abdurrahman":                  "abd al rahman",
		"Abdullah":                     "abdullah",
		"Abdi":                         "abdi",
		"Altamimi":                     "al tamimi",
		"Alberto Alvarez":              "alberto alvarez",
		"S.A.":                         "sa",
		"J. R. Smith":                  "j r smith",
		"Black Heron Co., Ltd.":        "black heron co ltd",
		"Joint Stock Company Zvezda":   "jsc zvezda",
		"Tanjung Sdn. Bhd.":            "tanjung sdnbhd",
		"李明泽":                          "李明泽",
		"":                             "",
		" - . , ":                      "",
		"\xff\xfeIvan\x00Petrov\u200b": "ivan petrov",
		"Volkon\u0455k\u0443":          "volkonsky", // Cyrillic dze and u
		"\u0405ergey":                  "sergey",
		"\u03bdolkonsky":               "volkonsky", // Greek nu
		"V0lk0nsky 5ergey 4you 3M":     "volkonsky sergey 4you 3m",
		"Unit 61 Sergey2 B2B A1":       "unit 61 sergey2 b2b a1",
		"Sᴇʀɢᴇʏ Vᴏʟᴋᴏɴꜱᴋʏ":             "sergey volkonsky",
		"Սերգեյ Վոլկոնսկի":             "sergey volkonski",
		"სერგეი ვოლკონსკი": "sergei volkonski",
		"İstanbul ﬁne Ⅷ":   "istanbul fine viii",
	} {
		if got := String(Parse(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestLikeness(t *testing.T) {
	for _, test := range []struct {
		a, b    string
		percent int
		how     How
	}{
		{"volkonsky", "volkonsky", 100, Same},
		{"mohammed", "muhamad", 94, SameSound},
		{"hassan", "hussein", 0, Different},
		{"yusuf", "yousef", 94, SameSound},
		{"jusuf", "yusuf", 94, SameSound},
		{"ali", "eli", 0, Different},
		{"petroff", "petrov", 94, SameSound},
		{"maria", "mario", 0, Different}, // both are common
		{"volkonsky", "volkonksy", 89, Misspelt},
		{"volkonsky", "volkonskaya", 82, Misspelt},
		{"lee", "leo", 0, Different},
		{"s", "sergei", 70, AnInitial},
		{"s", "vladimir", 0, Different},
		{"s", "s", 100, Same},
		{"يوسف", "yusuf", 90, SameConsonants},
		{"علي", "lee", 0, Different}, // too few consonants
		{"درويش", "darwish", 90, SameConsonants},
		{"hernandez", "fernandez", 74, Misspelt},
		{"李明泽", "李明", 0, Different},
		{"ltd", "llc", 0, Different},
	} {
		a, b := Parse(test.a), Parse(test.b)
		if len(a) != 1 || len(b) != 1 {
			t.Fatal(a, b)
		}
		for range 2 {
			if percent, how := Likeness(&a[0], &b[0]); percent != test.percent || how != test.how {
				t.Errorf("%s, %s: %d %s, want %d %s", test.a, test.b, percent, how, test.percent, test.how)
			}
			a, b = b, a
		}
	}
}

// drawn is a name as it may come.
func drawn(t *rapid.T, label string) string {
	word := rapid.OneOf(
		rapid.SampledFrom(strings.Fields("Mohammed Muhamad Abdul Abdulrahman al Al-Tamimi Ivan Ivanovich S. S J Volkonsky Volkonski Ltd S.A. LLC Trading Bank Σερ Жуков عبد القريشي kon ko ok")),
		rapid.StringMatching(`[a-eхжعκ\-'.]{1,6}`),
		rapid.String(),
	)
	return strings.Join(rapid.SliceOfN(word, 0, 7).Draw(t, label), " ")
}

// TestCompare is N1 and N2.
func TestCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := Parse(drawn(t, "a")), Parse(drawn(t, "b"))
		if rapid.Bool().Draw(t, "alike") && len(one) > 0 {
			two = append(two[:len(two):len(two)], one...)
			two = two[:min(len(two), MaxWords)]
		}
		read := func(words []Word, seed uint64) Name {
			each := make([]*Word, len(words))
			for i := range words {
				each[i] = &words[i]
			}
			rand.New(rand.NewPCG(seed, 0)).Shuffle(len(each), func(i, j int) { each[i], each[j] = each[j], each[i] })
			return NewName(each, Weights{})
		}
		a, b := read(one, 1), read(two, 2)
		c := Compare(&a, &b)
		if c.Score < 0 || c.Score > 100 {
			t.Fatal(c)
		}
		if back := Compare(&b, &a); back.Score != c.Score || back.Evidence != c.Evidence {
			t.Fatalf("%s / %s: %+v, and the other way round %+v", String(one), String(two), c, back)
		}
		x, y := read(one, 3), read(two, 4)
		if again := Compare(&x, &y); again.Score != c.Score || again.Evidence != c.Evidence || again.Heavy != c.Heavy {
			t.Fatalf("%s / %s: %+v, in another order %+v", String(one), String(two), c, again)
		}
		if same := Compare(&a, &a); a.Heavy > 0 && same.Score != 100 {
			t.Fatalf("%s is not like itself: %+v", String(one), same)
		}
	})
}

// TestParseTwice is N3, and that any bytes are taken (N4).
func TestParseTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawn(t, "name")
		if rapid.Bool().Draw(t, "bytes") {
			text = string(rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "any"))
		}
		words := Parse(text)
		once := String(words)
		again := Parse(once)
		if twice := String(again); twice != once {
			t.Fatalf("%q: %q, then %q", text, once, twice)
		}
		if len(words) > MaxWords {
			t.Fatal(len(words))
		}
		for i := range words {
			if words[i].Text == "" || len(words[i].Text) > 2*maxWordBytes || again[i].Class != words[i].Class {
				t.Fatalf("%+v %+v", words[i], again[i])
			}
		}
	})
}

// TestKeys: words that are alike share a key.
func TestKeys(t *testing.T) {
	alike := 0
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[a-z]{2,12}`).Draw(t, "word")
		letters := []byte(a)
		for range rapid.IntRange(1, 3).Draw(t, "slips") {
			i := rapid.IntRange(0, len(letters)-1).Draw(t, "at")
			letters[i] = rapid.ByteRange('a', 'z').Draw(t, "letter")
			if rapid.Bool().Draw(t, "out") && len(letters) > 2 {
				letters = append(letters[:i:i], letters[i+1:]...)
			}
		}
		v, w := newWord(rawWord{text: a}), newWord(rawWord{text: string(letters)})
		if percent, _ := Likeness(&v, &w); percent == 0 || v.Class == Initial || w.Class == Initial {
			return
		}
		alike++
		keys := map[uint64]bool{}
		v.Keys(false, func(k uint64) { keys[k] = true })
		shared := false
		w.Sought(false, func(k Key) { shared = shared || keys[k.Hash] && (!k.Slip || w.MaySlip(v.Gist())) })
		if !shared {
			t.Fatalf("%+v and %+v are alike, and would not be found", v, w)
		}
	})
	if alike == 0 {
		t.Error("nothing was alike")
	}
}

// TestBounded: the longest and worst names take no time to speak of.
func TestBounded(t *testing.T) {
	began := time.Now()
	for _, text := range []string{strings.Repeat("a ", 5<<20), strings.Repeat("ж", 5<<20), strings.Repeat("volkonskivolkonski ", 1<<19), strings.Repeat("\xff", 10<<20), strings.Repeat("abdul", 2<<20)} {
		n := Read(text, Weights{})
		Compare(&n, &n)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Error(took)
	}
}

func TestWeights(t *testing.T) {
	c := NewCounter()
	for range 100 {
		c.Add(Parse("Rarely Often"), Parse("Often Often"))
	}
	c.Add(Parse("Once"))
	weights := c.Weights()
	for text, want := range map[string]int{"once": 100, "never": 100, "often": 64, "Ltd": 4, "Dr": 6, "bin": 4, "x": 15, "Bank": 20, "Mohammed": 35, "Muhamed": 35} {
		if w := Parse(text); weights.Of(&w[0]) != want {
			t.Errorf("%s: %d, want %d", text, weights.Of(&w[0]), want)
		}
	}
}
