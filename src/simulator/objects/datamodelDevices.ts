/** Field tables of bonds, VLANs and tunnels, and of devices that VMs are given. See datamodel.ts for the notation. */

/** One line a field: name, wire type, access, first release, default where it is not the type's empty value. */
export const classesOfDevices: Readonly<Record<string, string>> = {
  Bond: `
    uuid            string            RO rio
    master          ref:PIF           RO miami
    slaves          set:ref:PIF       RO miami
    other_config    map:string:string RW miami
    primary_slave   ref:PIF           RO boston
    mode            enum:bond_mode    RX boston
    properties      map:string:string RO tampa
    links_up        int               RO tampa
    auto_update_mac bool              RO quebec true
  `,
  VLAN: `
    uuid         string            RO rio
    tagged_PIF   ref:PIF           RO miami
    untagged_PIF ref:PIF           RO miami
    tag          int               RO miami -1
    other_config map:string:string RW miami
  `,
  tunnel: `
    uuid          string               RO cowley
    access_PIF    ref:PIF              RO cowley
    transport_PIF ref:PIF              RO cowley
    status        map:string:string    RW cowley {"active":"false"}
    other_config  map:string:string    RW cowley
    protocol      enum:tunnel_protocol RW 1.250.0
  `,
  network_sriov: `
    uuid               string                        RO kolkata
    physical_PIF       ref:PIF                       RO kolkata
    logical_PIF        ref:PIF                       RO kolkata
    requires_reboot    bool                          RO kolkata
    configuration_mode enum:sriov_configuration_mode RO kolkata
  `,
  PCI: `
    uuid                  string            RO boston
    class_id              string            RO boston
    class_name            string            RO boston
    vendor_id             string            RO boston
    vendor_name           string            RO boston
    device_id             string            RO boston
    device_name           string            RO boston
    host                  ref:host          RO boston
    pci_id                string            RO boston
    dependencies          set:ref:PCI       RO boston
    other_config          map:string:string RW boston
    subsystem_vendor_id   string            RO clearwater-whetstone
    subsystem_vendor_name string            RO clearwater-whetstone
    subsystem_device_id   string            RO clearwater-whetstone
    subsystem_device_name string            RO clearwater-whetstone
    driver_name           string            RO kolkata
  `,
  PGPU: `
    uuid                          string                RO boston
    PCI                           ref:PCI               RO boston
    GPU_group                     ref:GPU_group         RX boston
    host                          ref:host              RO boston
    other_config                  map:string:string     RW boston
    supported_VGPU_types          set:ref:VGPU_type     RO vgpu-tech-preview
    enabled_VGPU_types            set:ref:VGPU_type     RX vgpu-tech-preview
    resident_VGPUs                set:ref:VGPU          RO vgpu-tech-preview
    supported_VGPU_max_capacities map:ref:VGPU_type:int RO vgpu-productisation
    dom0_access                   enum:pci_dom0_access  RO cream
    is_system_display_device      bool                  RO cream
    compatibility_metadata        map:string:string     RO inverness
  `,
  GPU_group: `
    uuid                 string                    RO boston
    name_label           string                    RW boston
    name_description     string                    RW boston
    PGPUs                set:ref:PGPU              RO boston
    VGPUs                set:ref:VGPU              RO boston
    GPU_types            set:string                RO boston
    other_config         map:string:string         RW boston
    allocation_algorithm enum:allocation_algorithm RW vgpu-tech-preview   "depth_first"
    supported_VGPU_types set:ref:VGPU_type         RO vgpu-productisation
    enabled_VGPU_types   set:ref:VGPU_type         RO vgpu-productisation
  `,
  VGPU: `
    uuid                        string            RO boston
    VM                          ref:VM            RO boston
    GPU_group                   ref:GPU_group     RO boston
    device                      string            RO boston            "0"
    currently_attached          bool              RO boston
    other_config                map:string:string RW boston
    type                        ref:VGPU_type     RO vgpu-tech-preview
    resident_on                 ref:PGPU          RO vgpu-tech-preview
    scheduled_to_be_resident_on ref:PGPU          RO dundee
    compatibility_metadata      map:string:string RO inverness
    extra_args                  string            RW quebec
    PCI                         ref:PCI           RO quebec
  `,
  VGPU_type: `
    uuid                    string                        RO vgpu-tech-preview
    vendor_name             string                        RO vgpu-tech-preview
    model_name              string                        RO vgpu-tech-preview
    framebuffer_size        int                           RO vgpu-tech-preview
    max_heads               int                           RO vgpu-tech-preview
    max_resolution_x        int                           RO vgpu-productisation
    max_resolution_y        int                           RO vgpu-productisation
    supported_on_PGPUs      set:ref:PGPU                  RO vgpu-tech-preview
    enabled_on_PGPUs        set:ref:PGPU                  RO vgpu-tech-preview
    VGPUs                   set:ref:VGPU                  RO vgpu-tech-preview
    supported_on_GPU_groups set:ref:GPU_group             RO vgpu-productisation
    enabled_on_GPU_groups   set:ref:GPU_group             RO vgpu-productisation
    implementation          enum:vgpu_type_implementation RO dundee
    identifier              string                        RO dundee
    experimental            bool                          RO dundee
    compatible_types_in_vm  set:ref:VGPU_type             RO quebec
  `,
  PUSB: `
    uuid                string            RO inverness
    USB_group           ref:USB_group     RO inverness
    host                ref:host          RO inverness
    path                string            RO inverness
    vendor_id           string            RO inverness
    vendor_desc         string            RO inverness
    product_id          string            RO inverness
    product_desc        string            RO inverness
    serial              string            RO inverness
    version             string            RO inverness
    description         string            RO inverness
    passthrough_enabled bool              RW inverness
    other_config        map:string:string RW inverness
    speed               float             RO stockholm
  `,
  USB_group: `
    uuid             string            RO inverness
    name_label       string            RW inverness
    name_description string            RW inverness
    PUSBs            set:ref:PUSB      RO inverness
    VUSBs            set:ref:VUSB      RO inverness
    other_config     map:string:string RW inverness
  `,
  VUSB: `
    uuid               string                          RO inverness
    allowed_operations set:enum:vusb_operations        RO inverness
    current_operations map:string:enum:vusb_operations RO inverness
    VM                 ref:VM                          RO inverness
    USB_group          ref:USB_group                   RO inverness
    other_config       map:string:string               RW inverness
    currently_attached bool                            RO inverness
  `,
  VTPM: `
    uuid                string                          RO 22.26.0
    allowed_operations  set:enum:vtpm_operations        RO 22.26.0
    current_operations  map:string:enum:vtpm_operations RO 22.26.0
    VM                  ref:VM                          RO 22.26.0
    backend             ref:VM                          RO 22.26.0
    persistence_backend enum:persistence_backend        RO 22.26.0
    is_unique           bool                            RO 22.26.0
    is_protected        bool                            RO 22.26.0
    contents            ref:secret                      RW 22.26.0
  `,
};
