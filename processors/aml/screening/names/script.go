package names

import "unicode"

// romanised is how letters are written in Latin ones, in lower case. Those that Unicode takes apart (é, ё, й) are not here: they
// lose their mark before.
var romanised = map[rune]string{
	// Latin letters that are no letter with a mark.
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th", 'ł': "l", 'ħ': "h", 'ı': "i", 'ŋ': "ng", 'ə': "a", 'ɵ': "o", 'ŧ': "t",

	// Small capitals, and what African languages add.
	'ᴀ': "a", 'ʙ': "b", 'ᴄ': "c", 'ᴅ': "d", 'ᴇ': "e", 'ꜰ': "f", 'ɢ': "g", 'ʜ': "h", 'ɪ': "i", 'ᴊ': "j", 'ᴋ': "k", 'ʟ': "l", 'ᴍ': "m", 'ɴ': "n", 'ᴏ': "o",
	'ᴘ': "p", 'ʀ': "r", 'ꜱ': "s", 'ᴛ': "t", 'ᴜ': "u", 'ᴠ': "v", 'ᴡ': "w", 'ʏ': "y", 'ᴢ': "z", 'ɑ': "a", 'ɡ': "g",
	'ɓ': "b", 'ɗ': "d", 'ɖ': "d", 'ɛ': "e", 'ɔ': "o", 'ƙ': "k", 'ƴ': "y", 'ɣ': "g", 'ɲ': "n", 'ǝ': "e",

	// Armenian, as in the east.
	'ա': "a", 'բ': "b", 'գ': "g", 'դ': "d", 'ե': "e", 'զ': "z", 'է': "e", 'ը': "y", 'թ': "t", 'ժ': "zh", 'ի': "i", 'լ': "l", 'խ': "kh", 'ծ': "ts",
	'կ': "k", 'հ': "h", 'ձ': "dz", 'ղ': "gh", 'ճ': "ch", 'մ': "m", 'յ': "y", 'ն': "n", 'շ': "sh", 'ո': "o", 'չ': "ch", 'պ': "p", 'ջ': "j", 'ռ': "r",
	'ս': "s", 'վ': "v", 'տ': "t", 'ր': "r", 'ց': "ts", 'ւ': "u", 'փ': "p", 'ք': "k", 'և': "ev", 'օ': "o", 'ֆ': "f",

	// Georgian.
	'ა': "a", 'ბ': "b", 'გ': "g", 'დ': "d", 'ე': "e", 'ვ': "v", 'ზ': "z", 'თ': "t", 'ი': "i", 'კ': "k", 'ლ': "l", 'მ': "m", 'ნ': "n", 'ო': "o",
	'პ': "p", 'ჟ': "zh", 'რ': "r", 'ს': "s", 'ტ': "t", 'უ': "u", 'ფ': "p", 'ქ': "k", 'ღ': "gh", 'ყ': "q", 'შ': "sh", 'ჩ': "ch", 'ც': "ts", 'ძ': "dz",
	'წ': "ts", 'ჭ': "ch", 'ხ': "kh", 'ჯ': "j", 'ჰ': "h",

	// Cyrillic: Russian, Ukrainian, Belarusian, Bulgarian, Serbian, Macedonian, and what Central Asia adds.
	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ж': "zh", 'з': "z", 'и': "i", 'к': "k", 'л': "l", 'м': "m", 'н': "n", 'о': "o",
	'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "shch", 'ъ': "", 'ы': "y", 'ь': "",
	'э': "e", 'ю': "yu", 'я': "ya", 'є': "ye", 'і': "i", 'ґ': "g", 'ј': "j", 'љ': "lj", 'њ': "nj", 'ђ': "dj", 'ћ': "c", 'џ': "dzh", 'ѕ': "dz",
	'қ': "k", 'ғ': "g", 'ң': "n", 'ұ': "u", 'ү': "u", 'һ': "h", 'ә': "a", 'ө': "o", 'ҳ': "h", 'ҷ': "j", 'ӣ': "i",

	// Greek.
	'α': "a", 'β': "v", 'γ': "g", 'δ': "d", 'ε': "e", 'ζ': "z", 'η': "i", 'θ': "th", 'ι': "i", 'κ': "k", 'λ': "l", 'μ': "m", 'ν': "n", 'ξ': "x",
	'ο': "o", 'π': "p", 'ρ': "r", 'σ': "s", 'ς': "s", 'τ': "t", 'υ': "y", 'φ': "f", 'χ': "kh", 'ψ': "ps", 'ω': "o",

	// Arabic, with the letters of Persian, Urdu, Pashto and Kurdish. Short vowels are not written.
	'ا': "a", 'ب': "b", 'ة': "a", 'ت': "t", 'ث': "th", 'ج': "j", 'ح': "h", 'خ': "kh", 'د': "d", 'ذ': "dh", 'ر': "r", 'ز': "z", 'س': "s", 'ش': "sh",
	'ص': "s", 'ض': "d", 'ط': "t", 'ظ': "z", 'ع': "", 'غ': "gh", 'ف': "f", 'ق': "q", 'ك': "k", 'ل': "l", 'م': "m", 'ن': "n", 'ه': "h", 'و': "w",
	'ى': "a", 'ي': "y", 'ء': "", 'ٱ': "a", 'پ': "p", 'چ': "ch", 'ژ': "zh", 'ک': "k", 'گ': "g", 'ی': "y", 'ې': "e", 'ٹ': "t", 'ڈ': "d", 'ڑ': "r",
	'ں': "n", 'ھ': "h", 'ہ': "h", 'ے': "e", 'ڤ': "v", 'ټ': "t", 'ډ': "d", 'ړ': "r", 'ښ': "sh", 'ڼ': "n", 'ـ': "",

	// Hebrew.
	'א': "a", 'ב': "b", 'ג': "g", 'ד': "d", 'ה': "h", 'ו': "v", 'ז': "z", 'ח': "h", 'ט': "t", 'י': "y", 'כ': "k", 'ך': "k", 'ל': "l", 'מ': "m",
	'ם': "m", 'נ': "n", 'ן': "n", 'ס': "s", 'ע': "", 'פ': "p", 'ף': "f", 'צ': "ts", 'ץ': "ts", 'ק': "k", 'ר': "r", 'ש': "sh", 'ת': "t",
}

// unvowelled tells whether a letter is of a script that leaves short vowels out.
func unvowelled(r rune) bool { return unicode.In(r, unicode.Arabic, unicode.Hebrew) }
