// Takes a method or a getter of a class of the product away for a while, and puts it back.

type Restore = () => void

/** `instead` is given what it takes the place of. */
export function patchMethod<Type extends object, Name extends keyof Type>(
  prototype: Type,
  name: Name,
  instead: (original: Type[Name]) => Type[Name],
): Restore {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)
  if (descriptor?.value === undefined) throw new Error(`There is no method ${String(name)}`)
  Object.defineProperty(prototype, name, { ...descriptor, value: instead(descriptor.value as Type[Name]) })
  return () => Object.defineProperty(prototype, name, descriptor)
}

export function patchGetter<Type extends object, Name extends keyof Type>(
  prototype: Type,
  name: Name,
  instead: (self: Type, original: () => Type[Name]) => Type[Name],
): Restore {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)
  const original = descriptor?.get
  if (descriptor === undefined || original === undefined) throw new Error(`There is no getter ${String(name)}`)
  const get = function get(this: Type): Type[Name] {
    return instead(this, () => original.call(this) as Type[Name])
  }
  Object.defineProperty(prototype, name, { ...descriptor, get })
  return () => Object.defineProperty(prototype, name, descriptor)
}

export function allOf(...restores: readonly Restore[]): Restore {
  return () => {
    for (const restore of restores) restore()
  }
}
