// Names as people type them in a hurry: no marks, no case (the twin of searchable() in ioc/domain/naming.py).

export const fold = (text) => text.toLowerCase().replaceAll("đ", "d").normalize("NFD").replace(/\p{M}/gu, "").replace(/[^a-z0-9]+/g, " ").trim();
